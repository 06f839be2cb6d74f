"""Fixed evaluation rows from the held-out repositories.

.work/upload/heldout.npz: token ids of all rows (flat uint16, lengths of source, analysis and patch, kind, repository).
.work/heldout.jsonl: the rows whose whole file is at hand, in readable form, with the file as it was.
"""
import argparse
import json
import subprocess
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np

from protocol import Codec, view
from records import HELD_OUT, MIRROR, REFINED, UPLOAD, WORK, after_lines, read_records, record_file
from rows import write_rows
from samples import Sample, commit_sample, injected_sample

MAX_FILE_BYTES = 256 * 1024


class Files:
    """Contents of files at commits of one repository."""

    def __init__(self, repository: str):
        git_dir = next(MIRROR.glob(repository.replace("/", "+") + "/*/HEAD")).parent
        self.process = subprocess.Popen(["git", "-C", str(git_dir), "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def read(self, revision: str, path: str) -> list[str] | None:
        """The lines of a file, or None if it is not there, is large or is not UTF-8."""
        self.process.stdin.write(f"{revision}:{path}\n".encode())
        self.process.stdin.flush()
        head = self.process.stdout.readline().split()
        if len(head) != 3 or head[1] != b"blob":
            return None
        data = self.process.stdout.read(int(head[2]) + 1)[:-1]
        try:
            return data.decode().split("\n") if len(data) <= MAX_FILE_BYTES else None
        except UnicodeDecodeError:
            return None

    def close(self) -> None:
        """Ends git."""
        self.process.stdin.close()
        self.process.wait()


def find(lines: list[str], part: list[str], near: int) -> int | None:
    """Where the part lies in the lines (by views), nearest to an index."""
    views, wanted = [view(line) for line in lines], [view(line) for line in part]
    places = [p for p in range(len(views) - len(wanted) + 1) if views[p] == wanted[0] and views[p:p + len(wanted)] == wanted]
    return min(places, key=lambda p: abs(p - near), default=None)


def make_row(record: dict, kind: str, codec: Codec, files: Files) -> tuple[Sample | None, str | None]:
    """(the row, the whole file it is about or None). Deterministic for a record."""
    rng = Random(f"{kind} {record['sha']} {record['path']} {record['start_line']}")
    if kind == "commit":
        sample = commit_sample(record, codec, rng)
        lines = files.read(f"{record['sha']}^", record["path"]) if sample else None
        if lines is None:
            return sample, None
        place = find(lines, sample.window.lines, sample.window.start_line - 1)
        return sample, "\n".join(lines) if place == sample.window.start_line - 1 else None
    lines = files.read(record["sha"], record["path"])
    place = find(lines, after_lines(record["before"], record["edits"]), record["start_line"] - 1) if lines else None
    if place is not None:
        record = {**record, "start_line": place + 1}
    sample = injected_sample(record, codec, rng)
    if sample is None or place is None:
        return sample, None
    start, end, new = sample.window.edits[0]
    first = sample.window.start_line - 1 + start
    broken = lines[:first] + sample.window.lines[start:end] + lines[first + len(new):]
    fits = [view(line) for line in lines[first:first + len(new)]] == [view(line) for line in new]
    return sample, "\n".join(broken) if fits else None


def readable(record: dict, sample: Sample, content: str) -> dict:
    """A row for people and for the evaluation of the server."""
    window = sample.window
    return dict(
        kind=sample.kind, repo=record["repo"], sha=record["sha"], issue=dict(title=sample.title, body=sample.body), path=sample.path,
        heading=window.heading, start_line=window.start_line, lines=window.lines, edits=window.edits,
        expected=after_lines(window.lines, window.edits), analysis=sample.fields, content=content,
        source_ids=sample.source_ids, analysis_ids=sample.analysis_ids, patch_ids=sample.patch_ids)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=WORK / "tokenizer.model")
    parser.add_argument("--rows", type=int, default=1500, help="rows of each kind")
    args = parser.parse_args()
    codec = Codec(args.model)
    rows: list[tuple[Sample, int]] = []
    counts: Counter = Counter()
    partial = WORK / "heldout.partial"
    with partial.open("w", encoding="utf-8") as out:
        for number, repository in enumerate(HELD_OUT):
            records = list(read_records(record_file(repository, REFINED)))
            files = Files(repository)
            for kind in ("commit", "injected"):
                order = sorted(records, key=lambda record: (record["sha"], record["path"], record["start_line"]))
                Random(f"{repository} {kind}").shuffle(order)
                made = 0
                left = args.rows - counts[kind]
                for record in order:
                    if made >= left // (len(HELD_OUT) - number):
                        break
                    sample, content = make_row(record, kind, codec, files)
                    if sample is None:
                        continue
                    made += 1
                    rows.append((sample, number))
                    if content is not None and len(content.encode()) <= MAX_FILE_BYTES:
                        out.write(json.dumps(readable(record, sample, content), ensure_ascii=False) + "\n")
                        counts[f"{kind} with file"] += 1
                counts[kind] += made
                counts[repository] += made
            files.close()
    partial.replace(WORK / "heldout.jsonl")
    write_rows(UPLOAD / "heldout.npz", [sample for sample, _ in rows], repository=np.array([number for _, number in rows], dtype=np.uint8), repositories=np.array(HELD_OUT))
    print(dict(counts))


if __name__ == "__main__":
    main()
