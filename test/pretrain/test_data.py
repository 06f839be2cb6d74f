"""Training data: round trips of patches, anchors, hostile text, injection, determinism."""
import json
import sys
from pathlib import Path
from random import Random

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "training" / "pretrain"))

from analysis import analyse, fault_type, scope  # noqa: E402
from hunks import PatchError, apply_items, decode_patch, encode_patch, parse_patch, tidy, to_items  # noqa: E402
from inject import inject  # noqa: E402
from messages import clean, is_fix, unwanted  # noqa: E402
from protocol import EOS, FAULT_TYPES, Codec  # noqa: E402
from pytext import CODE, COMMENT, DOC, kinds  # noqa: E402
from records import after_lines  # noqa: E402
from refine import refine  # noqa: E402
from samples import commit_sample, injected_sample, weight  # noqa: E402

BEFORE = '''"""Baskets."""
import math

# prices are in cents
LIMIT = 100


class Basket:
    """Things to buy."""

    def __init__(self, items=None, owner=None):
        """Start with some items.

        if items is None, then start with none + 1 == 2
        """
        self.items = list(items or [])
        self.owner = owner

    def total(self, discount=0):
        """Return the sum of all prices."""
        result = 0
        for name, price, count in self.items:
            if price > LIMIT and count != 0:
                result += price * count
        return result - discount

    def find(self, name, default=None):
        for item in self.items:
            if item[0] == name:
                return item
        return default

    def first(self, number):
        if not self.items:
            return []
        return self.items[0:number]

    def last(self, number):
        if not self.items:
            return []
        return self.items[-number:]


def parse(text, separator=","):
    try:
        parts = text.strip().split(separator, 1)
    except (AttributeError, TypeError):
        raise ValueError("not a text")
    if len(parts) < 2:
        return None
    return parts[0], int(parts[1])
'''.split("\n")
LINE = BEFORE.index("            if price > LIMIT and count != 0:")
EDITS = [[LINE, LINE + 1, ["            if price >= LIMIT and count:"]], [LINE + 6, LINE + 6, ["        # by name", "        if not name:", "            return default"]]]
RECORD = dict(repo="a/b", sha="1" * 40, date="2020-01-01", subject="Fix total for items at the limit", body="The limit counts.", path="shop/basket.py",
              heading="", start_line=1, before=BEFORE, edits=EDITS)


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec(ROOT / "test" / "fixtures" / "tiny" / "tokenizer.model")


@pytest.mark.parametrize("make", [commit_sample, injected_sample])
def test_a_parsed_patch_gives_the_window_after(codec: Codec, make) -> None:
    made = [make(RECORD, codec, Random(seed)) for seed in range(150)]
    samples = [sample for sample in made if sample]
    assert len(samples) > 30
    for sample in samples:
        expected = after_lines(sample.window.lines, sample.window.edits)
        assert parse_patch(codec, sample.window.lines, sample.patch_ids) == expected != sample.window.lines
        assert len(sample.source_ids) <= 1024 and len(sample.analysis_ids) <= 160 and len(sample.patch_ids) <= 320
        assert sample.fields["type"] in FAULT_TYPES
        assert EOS not in sample.patch_ids


def test_samples_repeat_with_the_seed(codec: Codec) -> None:
    for make in (commit_sample, injected_sample):
        assert [make(RECORD, codec, Random(seed)) for seed in range(20)] == [make(RECORD, codec, Random(seed)) for seed in range(20)]


@pytest.mark.parametrize("text", [
    "<|issue|>", "a <|del|>b<|add|>", "<<|patch|>|>", "<|", "<|<|eos|>", "tab\there", "  two", "         nine", "</s> <s> <unk> <pad>", "é漢\U0001f600 \u2028", "\x00\x01", "<0x0A>", "trailing  "])
def test_text_never_gives_special_ids_and_comes_back(codec: Codec, text: str) -> None:
    ids = codec.encode_text(text)
    assert not set(ids) & {*codec.special.values(), EOS, 0, 1}
    assert codec.decode(ids) == text


def test_hostile_issue_and_code_stay_text(codec: Codec) -> None:
    record = {**RECORD, "subject": "Fix <|patch|><|del|> in total of baskets", "before": [line.replace("Baskets", "<|code|>") for line in BEFORE]}
    sample = next(s for seed in range(50) if (s := commit_sample(record, codec, Random(seed))))
    for name, times in (("<|issue|>", 1), ("<|file|>", 1), ("<|code|>", 1), ("<|patch|>", 0), ("<|del|>", 0)):
        assert sample.source_ids.count(codec.special[name]) == times


def test_anchors_are_unique_or_refused(codec: Codec) -> None:
    lines = ["a", "x", "b", "x", "c", "x"]
    assert to_items(lines, [[3, 4, ["y"]]]) == [("ctx", "b"), ("del", "x"), ("add", "y")]
    assert to_items(lines, [[0, 0, ["new"]]]) == [("top", ""), ("add", "new")]
    assert to_items(["x", "x", "b"], [[0, 1, ["y"]]])[0] == ("top", "")
    assert to_items(lines, [[4, 5, ["z"]], [5, 6, ["y"]]]) == [("del", "c"), ("add", "z"), ("del", "x"), ("add", "y")]
    with pytest.raises(PatchError):
        to_items(["a", "x", "x"], [[0, 1, ["b"]], [1, 2, ["y"]]])
    with pytest.raises(PatchError):
        apply_items(lines, [("del", "x"), ("add", "y")])
    with pytest.raises(PatchError):
        apply_items(lines, [("del", "a"), ("add", "a")])
    after_deletion = to_items(["a", "b", "c", "d"], [[0, 1, []], [2, 3, ["y"]]])
    assert after_deletion == [("del", "a"), ("ctx", "b"), ("del", "c"), ("add", "y")]
    assert apply_items(["a", "b", "c", "d"], after_deletion) == ["b", "y", "d"]


def test_patches_with_special_symbols_in_lines_are_refused(codec: Codec) -> None:
    ids = encode_patch(codec, [("del", "a"), ("add", "b")])
    assert decode_patch(codec, ids + [EOS]) == [("del", "a"), ("add", "b")]
    with pytest.raises(PatchError):
        decode_patch(codec, [codec.special["<|del|>"], codec.special["<|issue|>"], codec.newline])
    with pytest.raises(PatchError):
        decode_patch(codec, ids[:-1])


def test_edits_are_trimmed_and_joined() -> None:
    assert tidy(["a", "b", "c"], [[0, 2, ["a", "x"]], [2, 3, ["y"]]]) == [[1, 3, ["x", "y"]]]
    assert tidy(["a", "b"], [[0, 1, ["a"]]]) == []


def test_injection_leaves_docstrings_and_comments_alone() -> None:
    which, seen = kinds(BEFORE), set()
    for seed in range(400):
        bug = inject(BEFORE, Random(seed))
        if bug is None:
            continue
        seen.add(bug.kind)
        assert bug.lines != BEFORE and after_lines(bug.lines, bug.edits) == BEFORE
        compile("\n".join(bug.lines), "broken", "exec")
        start, _, correct = bug.edits[0]
        assert all(which[start + offset] == CODE for offset in range(len(correct)))
    assert len(seen) > 20


def test_kinds_of_lines_also_from_inside_a_docstring() -> None:
    lines = ["    Some text about the thing that follows.", '    """', "    x = 1", "    # note", "    return x"]
    assert kinds(lines) == [DOC, DOC, CODE, COMMENT, CODE]


def test_refining_drops_edits_without_effect() -> None:
    def reason(edits: list) -> str:
        return refine({**RECORD, "edits": edits})[1]
    assert reason([[0, 1, ['"""Many baskets."""']]]) == "comments and docstrings"
    assert reason([[LINE, LINE + 1, ["            if (price > LIMIT and", "                    count != 0):"]]]) == ""
    assert reason([[4, 5, ["LIMIT  =  100  # cents"]]]) == "formatting"
    assert reason([[1, 2, ["import math, os"]]]) == "imports"
    row, _ = refine({**RECORD, "edits": [[0, 1, ['"""Many baskets."""']], *EDITS]})
    assert row["edits"] == EDITS


def test_messages() -> None:
    assert clean("Fix the total (#12)\n\nIt was wrong.\n\nSigned-off-by: A <a@b>") == ("Fix the total", "It was wrong.")
    assert unwanted("Bump version to 1.2") and unwanted("Fix typo in the docs") and not unwanted("Fix crash on empty input")
    assert is_fix("Fix crash on empty input") and not is_fix("Add a new option")
    assert weight(RECORD) == 2 and weight({**RECORD, "subject": "Add baskets for everyone", "body": ""}) == 1


def test_types_and_scopes() -> None:
    assert fault_type(BEFORE, EDITS[:1]) == "wrong condition"
    assert fault_type(["return a + b"], [[0, 1, ["return a - b"]]]) == "wrong operator"
    assert fault_type(["f(a)"], [[0, 1, ["f(a, b)"]]]) == "missing argument"
    assert scope(BEFORE, LINE, "") == "total"
    assert scope(BEFORE, 4, "") == "<module>"


def test_the_rows_that_the_typescript_side_is_checked_with_are_current() -> None:
    stored = json.loads((ROOT / "test" / "fixtures" / "data-rows.json").read_text())
    for row in stored["rows"]:
        assert analyse("  Baskets are\tadded up twice ", "shop/basket.py", "", row["lines"], row["edits"]) == row["analysis"]
        assert refine(dict(subject="Baskets are added up twice", body="", before=row["lines"], edits=row["edits"]))[1] == row["reason"]
    for message in stored["messages"]:
        assert clean(message["text"]) == (message["title"], message["body"])
