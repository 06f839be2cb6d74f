"""What each change of the training data is worth: short trainings of equal length from the initial weights, judged by the same rows.

    python data_effects.py mine --data DATA owner/name …                              # records of these repositories, chosen in three ways
    python data_effects.py train --data DATA --out OUT [--steps 700] [VARIANT …]      # one GPU; what is done already is left alone
    python data_effects.py table --out OUT                                            # Markdown

DATA holds tokenizer.model, the initial weights (layers-0.npz, layers-1.npz, embedding.npz), heldout.npz, humaneval.npz (training/benchmark/scored_rows.py)
and the folders that `mine` makes: `records` (chosen as for the backbone), `unfiltered`, `duplicates`.
"""
import argparse
import json
import lzma
import subprocess
import sys
from pathlib import Path

from licences import ACCEPTED, licence
from mine import mine
from pack import fingerprint
from recipe import RECIPES
from records import FORBIDDEN, HELD_OUT, MIRROR
from refine import refine

HERE = Path(__file__).resolve().parent
# Name -> (recipe, folder of records, seed).
VARIANTS = {
    "as released": ("released", "records", 1),
    "as released, another seed": ("released", "records", 2),
    "formatting, comments, docstrings and imports kept": ("released", "unfiltered", 1),
    "near-duplicates kept": ("released", "duplicates", 1),
    **{name: (name, "records", 1) for name in RECIPES if name != "released"},
}
COLUMNS = {
    "commits": ("heldout", "commit_patch_alone_ce"), "injected bugs": ("heldout", "injected_patch_alone_ce"),
    "commits after the gold analysis": ("heldout", "commit_patch_given_analysis_ce"), "analysis of commits": ("heldout", "commit_analysis_ce"),
    "HumanEval-repair": ("also", "injected_patch_alone_ce"),
}


def mine_variants(options: argparse.Namespace) -> None:
    """Mines the repositories once and keeps of their records what each variant is trained on."""
    kept: dict[str, list[dict]] = {"records": [], "unfiltered": [], "duplicates": []}
    seen: dict[str, set[bytes]] = {name: set() for name in kept}
    for repository in options.repositories:
        if repository in HELD_OUT or repository in FORBIDDEN:
            raise SystemExit(f"{repository} is not for training")
        git_dir = next(MIRROR.glob(repository.replace("/", "+") + "/*/HEAD")).parent
        if (found := licence(str(git_dir))) not in ACCEPTED:
            raise SystemExit(f"{repository}: {found} is not a licence to train on")
        for record in mine(str(git_dir), repository, by_meaning=False)[0]:
            refined, _ = refine(record)
            for name, made in (("unfiltered", record), ("records", refined), ("duplicates", refined)):
                if made is None:
                    continue
                key = fingerprint(made)
                if name == "duplicates" or key not in seen[name]:
                    seen[name].add(key)
                    kept[name].append(made)
        print(repository, {name: len(records) for name, records in kept.items()}, flush=True)
    for name, records in kept.items():
        (options.data / name).mkdir(parents=True, exist_ok=True)
        with lzma.open(options.data / name / "records-00.jsonl.xz", "wt", encoding="utf-8", preset=1) as file:
            file.writelines(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n" for record in records)


def folder_of(out: Path, name: str) -> Path:
    """Where a variant's log and weights lie."""
    return out / name.replace(",", "").replace(" ", "-")


def figures(folder: Path) -> dict[str, dict] | None:
    """The final figures by rows (heldout, also), before rounding; None while there are none."""
    log = folder / "log.jsonl"
    rows = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    found = {row["rows"]: row for row in rows if row.get("weights") == "float"}
    return found if len(found) == 2 else None


def train(options: argparse.Namespace) -> None:
    """Trains each variant in turn."""
    data = options.data
    for name in options.variants or VARIANTS:
        recipe, records, seed = VARIANTS[name]
        folder = folder_of(options.out, name)
        if figures(folder):
            continue
        print(f"== {name}", flush=True)
        subprocess.run(
            [sys.executable, HERE / "train.py", "--records", data / records, "--tokenizer", data / "tokenizer.model", "--init", data, "--recipe", recipe,
             "--heldout", data / "heldout.npz", "--also", data / "humaneval.npz", "--steps", str(options.steps), "--seed", str(seed),
             "--quantised-from", "2", "--checkpoint-minutes", "600", "--workers", str(options.workers), "--out", folder], check=True)
        (folder / "backbone.safetensors").unlink(missing_ok=True)


def table(options: argparse.Namespace) -> None:
    """One line a variant, with the difference from the first in brackets."""
    found = {name: made for name in VARIANTS if (made := figures(folder_of(options.out, name)))}
    base = found["as released"]
    print(f"| rows | {' | '.join(COLUMNS)} |")
    print("|---|" + "---:|" * len(COLUMNS))
    for name, made in found.items():
        cells = [f"{made[rows][key]:.3f} ({made[rows][key] - base[rows][key]:+.3f})" for rows, key in COLUMNS.values()]
        print(f"| {name} | {' | '.join(cells)} |")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    mining, training, printing = (commands.add_parser(name) for name in ("mine", "train", "table"))
    for command, work in ((mining, mine_variants), (training, train), (printing, table)):
        command.set_defaults(work=work)
    for command in (mining, training):
        command.add_argument("--data", type=Path, required=True)
    for command in (training, printing):
        command.add_argument("--out", type=Path, required=True)
    mining.add_argument("repositories", nargs="+")
    training.add_argument("--steps", type=int, default=700)
    training.add_argument("--workers", type=int, default=6)
    training.add_argument("variants", nargs="*", help=f"default: all of {', '.join(VARIANTS)}")
    options = parser.parse_args()
    options.work(options)


if __name__ == "__main__":
    main()
