"""Whether tasks of the benchmark occur in the training data: their 13-grams of words that do, as .work/benchmark/overlap.json.

python3 training/benchmark/overlap.py .work/refined/*.jsonl     (records of training/pretrain; .xz files, too)
"""
import argparse
import json
import lzma
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".work" / "benchmark"
CASES = ROOT / "test" / "cases"
N = 13
_WORD = re.compile(r"\w+")


def grams(text: str) -> Iterator[tuple[str, ...]]:
    """Each run of 13 words, in lower case; punctuation does not count."""
    words = _WORD.findall(text.lower())
    return zip(*(words[start:] for start in range(N)))


def task_texts(tasks: Path, cases: Path) -> dict[str, str]:
    """By name: the sound code of each HumanEval task, and the files of each case."""
    rows = [json.loads(line) for line in tasks.read_text(encoding="utf-8").splitlines()]
    texts = {row["task"]: row["expected"] for row in rows}
    for file in sorted(cases.glob("*/case.json")):
        names = json.loads(file.read_text(encoding="utf-8"))["files"]
        texts[file.parent.name] = "\n".join((file.parent / name).read_text(encoding="utf-8") for name in names)
    return texts


def record_texts(file: Path) -> Iterator[str]:
    """What training may show of each record: its message, and the code before and after."""
    with lzma.open(file, "rt", encoding="utf-8") if file.suffix == ".xz" else file.open(encoding="utf-8") as stream:
        for line in stream:
            record = json.loads(line)
            added = [text for _, _, new in record["edits"] for text in new]
            yield "\n".join([record["subject"], record["body"], *record["before"]])
            yield "\n".join(added)


def overlap(texts: dict[str, str], training: Iterable[str]) -> dict[str, dict[str, int]]:
    """By name: how many 13-grams the text has, and how many of them occur in the training texts."""
    own = {name: set(grams(text)) for name, text in texts.items()}
    # One set for all tasks, and most texts share nothing with it.
    wanted = set().union(*own.values())
    found: set[tuple[str, ...]] = set()
    for text in training:
        found.update(wanted.intersection(grams(text)))
    return {name: dict(grams=len(of), found=len(of & found)) for name, of in own.items()}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", type=Path, nargs="+", help="files of training records, JSON lines")
    parser.add_argument("--tasks", type=Path, default=FOLDER / "humaneval.jsonl")
    parser.add_argument("--out", type=Path, default=FOLDER / "overlap.json")
    args = parser.parse_args()
    count = 0

    def training() -> Iterator[str]:
        nonlocal count
        for number, file in enumerate(args.records, 1):
            for text in record_texts(file):
                count += 1
                yield text
            print(f"\r{number} of {len(args.records)} files", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)

    result = overlap(task_texts(args.tasks, CASES), training())
    args.out.write_text(json.dumps(dict(n=N, records=count // 2, tasks=result), indent=1) + "\n", encoding="utf-8")
    touched = [name for name, part in result.items() if part["found"]]
    print(f"{len(touched)} of {len(result)} tasks share a {N}-gram with {count // 2} records: {args.out}")


if __name__ == "__main__":
    main()
