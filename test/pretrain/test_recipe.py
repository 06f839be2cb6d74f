"""Recipes: each says what it says, and the table of their effects is made from the logs."""
import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRETRAIN = ROOT / "training" / "pretrain"
sys.path[:0] = [str(PRETRAIN), str(ROOT / "training" / "benchmark"), str(Path(__file__).resolve().parent)]

from issue_text import documentation  # noqa: E402
from protocol import Codec  # noqa: E402
from recipe import SIMPLE_KINDS, RECIPES, Recipe  # noqa: E402
from samples import commit_sample, injected_sample  # noqa: E402
from test_data import RECORD  # noqa: E402


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec(ROOT / "test" / "fixtures" / "tiny" / "tokenizer.model")


def injected(codec: Codec, recipe: Recipe) -> list:
    made = [sample for seed in range(120) if (sample := injected_sample(RECORD, codec, Random(seed), recipe))]
    assert len(made) > 20
    return made


def test_bugs_are_of_the_kinds_that_are_wanted(codec: Codec) -> None:
    kinds = {sample.kind.removeprefix("injected: ") for sample in injected(codec, RECIPES["nine simple kinds of bugs only"])}
    assert kinds and kinds <= SIMPLE_KINDS
    assert {sample.kind.removeprefix("injected: ") for sample in injected(codec, Recipe())} - SIMPLE_KINDS


def test_issues_say_as_much_as_is_wanted(codec: Codec) -> None:
    assert all(sample.body == "" for sample in injected(codec, RECIPES["issues that only name the function"]))
    specified = injected(codec, Recipe(specified=1.0))
    described = [sample for sample in specified if "Return the sum of all prices." in sample.body]
    assert described, "the docstring is in no issue"
    for sample in described:
        assert "total(" in sample.body and "total" in sample.title
    assert not any("What it is for" in sample.body for sample in injected(codec, Recipe()))


def test_windows_and_edits_are_as_many_as_is_wanted(codec: Codec) -> None:
    assert all(len(sample.window.lines) <= 24 for sample in injected(codec, Recipe(window_lines=24)))
    assert any(len(sample.window.lines) > 24 for sample in injected(codec, Recipe()))
    assert len(RECORD["edits"]) == 2
    assert all(commit_sample(RECORD, codec, Random(seed), Recipe(max_edits=1)) is None for seed in range(20))


@pytest.mark.parametrize("first, told", [
    ("Returns the sum of all prices.", "Returns the sum of all prices. Taxes are left out."), ("Notes what was sold.", "Notes what was sold. Taxes are left out.")])
def test_a_docstring_is_told_up_to_its_sections(first: str, told: str) -> None:
    lines = ["def total(self):", f'    """{first}', "", "    Taxes are left out.", "", "    Returns:", "        A number.", '    """', "    return 1"]
    assert documentation(lines, "total") == told


def test_the_table_tells_the_difference_from_the_first(tmp_path: Path) -> None:
    from data_effects import VARIANTS, folder_of

    names = list(VARIANTS)[:2]
    for number, name in enumerate(names):
        folder = folder_of(tmp_path, name)
        folder.mkdir()
        figures = {f"{kind}_{part}_ce": 1.0 + number / 4 for kind in ("commit", "injected") for part in ("analysis", "patch_given_analysis", "patch_alone")}
        rows = [{"weights": weights, "rows": which, **figures} for weights in ("float", "served") for which in ("heldout", "also")]
        (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = subprocess.run([sys.executable, PRETRAIN / "data_effects.py", "table", "--out", tmp_path], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 4 and lines[2].startswith(f"| {names[0]} | 1.000 (+0.000)") and lines[3].startswith(f"| {names[1]} | 1.250 (+0.250)")


def test_a_bug_of_the_benchmark_becomes_a_row(codec: Codec) -> None:
    from hunks import parse_patch
    from scored_rows import scored_row

    broken, sound = ("def half(x):\n    return x " + sign + " 2\n" for sign in ("*", "/"))
    row = scored_row(dict(issue=dict(title="half gives a wrong result", body=""), path="solution.py", content=broken, expected=sound), codec)
    assert parse_patch(codec, row.window.lines, row.patch_ids) == sound.splitlines()
    assert scored_row(dict(issue=dict(title="x", body=""), path="solution.py", content=broken + "# …\n" * 90, expected=sound + "# …\n" * 90), codec) is None
