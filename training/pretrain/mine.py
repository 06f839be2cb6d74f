"""Mines small source edits from the history of the repositories under .mirror.

    python mine.py [--watch] [owner/name …]

Each repository gives one file .work/records/owner+name.jsonl, with one record a line:
repo, sha, date, subject, body, path, heading, start_line, before, edits [[start, end, new lines], …].
"""
import argparse
import json
import re
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing import Pool
from pathlib import Path

from licences import ACCEPTED, licence
from messages import clean, unwanted
from records import FORBIDDEN, MIRROR, RECORDS, record_file
from refine import MAX_LINES, refine

CONTEXT, MAX_HUNKS, MAX_CHANGED = 40, 4, 40
EXCLUDED = ("**/tests/**", "**/test/**", "**/testing/**", "**/docs/**", "**/doc/**", "**/examples/**", "**/vendor/**", "**/_vendor/**",
            "**/third_party/**", "**/migrations/**", "**/test_*.py", "**/*_test.py", "**/setup.py", "**/*_pb2.py")
_SKIP_PATH = re.compile(
    r"(^|/)(\w*tests?|testing|unittests?|docs?|documentation|examples?|samples?|demos?|tutorials?|benchmarks?|perf|asv_bench|migrations|locale|translations"
    r"|_?vendor(ed)?|third_?party|_?externals?|extern|packages|bundled|site-packages|typeshed|node_modules|fixtures|snippets|scripts/release|tools/release"
    r"|\.github|\.ci|ci|release|po|data|templates|cookbook|recipes|notebooks|sphinxext|_sphinx|_pytest)/"
    r"|(^|/)(test_[^/]*|[^/]*_tests?|tests?|conftest|setup|versioneer|_?version|__about__|release|conf|changelog|ez_setup|noxfile|tasks|fabfile"
    r"|[^/]*_pb2(_grpc)?|[^/]*_(data|tables?|generated)|mock\w*|unicode\w*|six|ordereddict|bench_\w+)\.py$", re.I)
_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@ ?(.*)")


def stream(git_dir: str, attributes: str) -> Iterator[bytes]:
    """Lines of the log with patches, newest commit first. A commit whose files are not all there is passed over."""
    paths = ["--", "*.py", *(f":(exclude,glob){pattern}" for pattern in EXCLUDED)]
    listed = subprocess.run(["git", "-C", git_dir, "rev-list", "--no-merges", "HEAD", *paths], capture_output=True, check=True)
    commits = listed.stdout.split()
    command = [
        "git", "-C", git_dir, "-c", f"core.attributesFile={attributes}", "-c", "diff.renames=false", "log", "--stdin", "--no-walk=unsorted",
        "--no-color", "--diff-filter=M", "-p", f"-U{CONTEXT}", "--diff-algorithm=histogram", "--format=%x01%H%x02%cI%x02%B%x03",
    ]
    while commits:
        last = b""
        with tempfile.TemporaryFile() as wanted:
            wanted.write(b"".join(commit + b"\n" for commit in commits) + "".join(f"{path}\n" for path in paths).encode())
            wanted.seek(0)
            with subprocess.Popen(command, stdin=wanted, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=1 << 20) as process:
                for line in process.stdout:
                    if line.startswith(b"\x01"):
                        last = line[1:41]
                    yield line
        if process.returncode == 0:
            return
        commits = commits[commits.index(last) + 1:] if last in commits else commits[1:]


class Hunk:
    """A hunk as git gives it."""

    def __init__(self, path: str, start_line: int, heading: str):
        self.path, self.start_line, self.heading = path, start_line, heading
        self.lines: list[bytes] = []
        self.changed = 0

    def edit(self) -> tuple[list[str], list] | None:
        """(lines before, edits)."""
        before: list[str] = []
        edits: list = []
        removed: list[str] = []
        added: list[str] = []
        for raw in [*self.lines, b" "]:
            mark, line = raw[:1], raw[1:].decode("utf-8", "replace")
            if mark == b"-":
                if added:      # git puts removals first; another order would break the positions
                    return None
                removed.append(line)
            elif mark == b"+":
                added.append(line)
            else:
                if removed or added:
                    edits.append([len(before), len(before) + len(removed), added])
                    before += removed
                    removed, added = [], []
                before.append(line)
        return before[:-1], edits


def mine(git_dir: str, repository: str, by_meaning: bool = True) -> tuple[list[dict], Counter]:
    """The records of a repository, newest first, and why hunks were dropped (`by_meaning` as in `refine`)."""
    records: list[dict] = []
    drops: Counter = Counter()
    sha, date, message = "", "", b""
    hunks: list[Hunk] = []
    path, hunk, in_message = "", None, False

    def flush() -> None:
        if not hunks:
            return
        subject, body = clean(message.decode("utf-8", "replace"))
        if unwanted(subject):
            drops["message"] += len(hunks)
        elif len(hunks) > MAX_HUNKS or sum(hunk.changed for hunk in hunks) > MAX_CHANGED:
            drops["large commit"] += len(hunks)
        else:
            for found in hunks:
                before, edits = found.edit() or ([], [])
                record, reason = refine(dict(
                    repo=repository, sha=sha, date=date[:10], subject=subject, body=body, path=found.path,
                    heading=found.heading, start_line=found.start_line, before=before, edits=edits), by_meaning) if edits else (None, "order")
                if record:
                    records.append(record)
                else:
                    drops[reason] += 1

    with tempfile.NamedTemporaryFile("w", suffix=".attributes") as attributes:
        attributes.write("*.py diff=python\n")
        attributes.flush()
        for raw in stream(git_dir, attributes.name):
            line = raw.rstrip(b"\n")
            mark = line[:1]
            if in_message:
                if len(message) < 8000:
                    message += b"\n" + line.rstrip(b"\x03")
                in_message = not line.endswith(b"\x03")
            elif mark == b"\x01":
                flush()
                hunks, hunk, path = [], None, ""
                head = line[1:].split(b"\x02", 2)
                sha, date, message = head[0].decode(), head[1].decode(), head[2].rstrip(b"\x03")
                in_message = not line.endswith(b"\x03")
            elif line.startswith(b"diff --git "):
                hunk, path = None, line.decode("utf-8", "replace").rpartition(" b/")[2]
                if _SKIP_PATH.search(path):
                    path = ""
            elif mark == b"@" and path:
                found = _HUNK.match(line.decode("utf-8", "replace"))
                hunk = Hunk(path, int(found[1]), found[2].strip()) if found else None
                if hunk and len(hunks) <= MAX_HUNKS:
                    hunks.append(hunk)
            elif hunk is not None and mark in (b" ", b"+", b"-"):
                if mark != b" ":
                    hunk.changed += 1
                if len(hunk.lines) <= 2 * MAX_LINES and hunk.changed <= MAX_CHANGED:
                    hunk.lines.append(line)
        flush()
    return records, drops


def run(job: tuple[str, str]) -> str:
    """Mines one repository into its file; returns the line to report."""
    git_dir, repository = job
    started, target = time.time(), record_file(repository)
    found = licence(git_dir)
    records, drops = mine(git_dir, repository) if found in ACCEPTED else ([], Counter())
    head = subprocess.run(["git", "-C", git_dir, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    partial = target.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
    about = dict(repo=repository, head=head, licence=found, records=len(records), drops=dict(sorted(drops.items())))
    target.with_suffix(".about.json").write_text(json.dumps(about) + "\n")
    partial.replace(target)
    return f"{repository}: {found}, {len(records)} records in {time.time() - started:.0f} s, dropped {dict(drops.most_common())}"


def waiting(names: list[str]) -> list[tuple[str, str]]:
    """(git directory, repository) of what has arrived and is not mined yet."""
    jobs = []
    arrived = {folder.name for folder in MIRROR.glob("*")}  # not deeper: what is being fetched comes and goes
    for name in sorted(arrived):
        repository = name.replace("+", "/", 1)
        if name.endswith(".part") or f"{name}.part" in arrived or repository in FORBIDDEN or repository == "sympy/sympy-bot" or names and repository not in names:
            continue
        try:
            head = next((MIRROR / name).glob("*/HEAD"), None)
            settled = head is not None and time.time() - head.stat().st_ctime > 20
        except FileNotFoundError:       # still being moved into place
            continue
        if settled and not record_file(repository).exists():
            jobs.append((str(head.parent), repository))
    return jobs


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--watch", action="store_true", help="go on as repositories arrive, until .work/records/stop exists")
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    RECORDS.mkdir(parents=True, exist_ok=True)
    given: dict[str, object] = {}
    with Pool(args.processes, maxtasksperchild=1) as pool:
        while True:
            for job in waiting(args.names):
                if job[1] not in given:
                    given[job[1]] = pool.apply_async(run, (job,), callback=lambda line: print(line, flush=True),
                                                     error_callback=lambda error: print(f"failed: {error!r}", flush=True))
            if all(result.ready() for result in given.values()) and (not args.watch or (RECORDS / "stop").exists()):
                break
            time.sleep(3)
    print(f"{len(given)} repositories")


if __name__ == "__main__":
    main()
