"""The benchmark's bugs as rows that can be scored teacher-forced: .work/upload/humaneval.npz, in the form of training/pretrain/heldout.py.

For measuring only; nothing of it is trained on. Bugs whose file does not fit one window are left out.
"""
import argparse
import difflib
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "pretrain"))

from hunks import tidy  # noqa: E402
from protocol import WINDOW_LINES, Codec, view  # noqa: E402
from records import UPLOAD, WORK  # noqa: E402
from rows import write_rows  # noqa: E402
from samples import Sample, encode_sample  # noqa: E402


def scored_row(bug: dict, codec: Codec) -> Sample | None:
    """The repair of a bug as a row; None if it does not fit."""
    broken, sound = ([view(line) for line in bug[name].removesuffix("\n").split("\n")] for name in ("content", "expected"))
    if len(broken) > WINDOW_LINES:
        return None
    matcher = difflib.SequenceMatcher(None, broken, sound, autojunk=False)
    edits = tidy(broken, [[a, b, sound[c:d]] for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal"])
    return edits and encode_sample(codec, bug["issue"]["title"], bug["issue"]["body"], bug["path"], broken, edits, 0, len(broken), 1, "", "injected") or None


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bugs", type=Path, default=WORK / "benchmark" / "humaneval.jsonl")
    parser.add_argument("--tokenizer", type=Path, default=HERE.parents[1] / "model/artifacts/tokenizer.model")
    parser.add_argument("--out", type=Path, default=UPLOAD / "humaneval.npz")
    args = parser.parse_args()
    codec = Codec(str(args.tokenizer))
    bugs = [json.loads(line) for line in args.bugs.read_text(encoding="utf-8").splitlines()]
    rows = [row for bug in bugs if (row := scored_row(bug, codec))]
    write_rows(args.out, rows)
    print(f"{len(rows)} of {len(bugs)} bugs: {args.out}")


if __name__ == "__main__":
    main()
