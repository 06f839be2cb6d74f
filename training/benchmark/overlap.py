"""Whether tasks of the benchmark occur in the training data: their 13-grams of words that do, as .work/benchmark/overlap.json.

python3 training/benchmark/overlap.py .work/refined mined.jsonl     (files and folders of records of training/pretrain, or of mined edits; .xz files, too)
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
            if not line.strip():
                continue
            record = json.loads(line)
            if "patch" in record:
                yield from _edit_texts(record)
                continue
            added = [text for _, _, new in record["edits"] for text in new]
            yield "\n".join([record["subject"], record["body"], *record["before"]])
            yield "\n".join(added)


def _edit_texts(record: dict) -> Iterator[str]:
    """Of an edit in the formats of `npm run train -- --rows`: issue and files, and what the patch adds."""
    issue = record.get("issue", record.get("problem_statement", ""))
    words = issue if isinstance(issue, str) else f"{issue['title']}\n{issue.get('body') or ''}"
    yield "\n".join([words, *(file["content"] for file in record.get("files", []))])
    yield "\n".join(line[1:] for line in record["patch"].split("\n") if line.startswith("+") and not line.startswith("+++"))


def record_files(places: Iterable[Path]) -> list[Path]:
    """The files named, and those in the folders named. Exits when a place holds none."""
    files: list[Path] = []
    for place in places:
        found = sorted(file for file in place.iterdir() if file.name.endswith((".jsonl", ".jsonl.xz"))) if place.is_dir() else [place]
        if not found or not found[0].exists():
            sys.exit(f"{place} holds no records.")
        files += found
    return files


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
    parser.add_argument("records", type=Path, nargs="+", help="files of training records, JSON lines, or folders of such files")
    parser.add_argument("--tasks", type=Path, default=FOLDER / "humaneval.jsonl")
    parser.add_argument("--out", type=Path, default=FOLDER / "overlap.json")
    args = parser.parse_args()
    files = record_files(args.records)
    sources: dict[str, int] = {}

    def training() -> Iterator[str]:
        for number, file in enumerate(files, 1):
            texts = 0
            for text in record_texts(file):
                texts += 1
                yield text
            # Two texts of each record.
            sources[str(file)] = texts // 2
            print(f"\r{number} of {len(files)} files", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)

    result = overlap(task_texts(args.tasks, CASES), training())
    count = sum(sources.values())
    args.out.write_text(json.dumps(dict(n=N, records=count, sources=sources, tasks=result), indent=1) + "\n", encoding="utf-8")
    touched = [name for name, part in result.items() if part["found"]]
    print(f"{len(touched)} of {len(result)} tasks share a {N}-gram with {count} records: {args.out}")


if __name__ == "__main__":
    main()
