"""Packs mined records for training (xz -1: ten to one, since neighbouring records share lines): drops duplicates, writes .work/upload/records-NN.jsonl.xz and repositories.json."""
import hashlib
import json
import re
import subprocess
from collections import Counter
from multiprocessing import Pool
from pathlib import Path

from messages import is_fix
from records import HELD_OUT, RECORDS, REFINED, REPOSITORIES, UPLOAD, read_records, record_file, repository_of, training_files
from refine import refine

PART_BYTES, TOTAL_BYTES, PART_RAW_BYTES = 56_000_000, 220_000_000, 200_000_000


def fingerprint(record: dict) -> bytes:
    """Equal for edits that replace the same text by the same text, layout apart; short edits count with their surroundings."""
    parts: list[str] = []
    for start, end, new in record["edits"]:
        old = record["before"][start:end]
        if sum(len(line.strip()) for line in old + new) < 80:
            parts += record["before"][max(0, start - 2):start] + ["^"] + record["before"][end:end + 2]
        parts += ["-", *old, "+", *new]
    return hashlib.sha1("\n".join(re.sub(r"\s+", "", part) for part in parts).encode()).digest()[:10]


def refine_file(file: Path) -> tuple[str, list[dict], Counter]:
    """The useful records of a mined file, also of one that an earlier version of the miner wrote."""
    drops: Counter = Counter()
    rows = []
    for record in read_records(file):
        row, reason = refine(record)
        if row:
            rows.append(row)
        else:
            drops[reason] += 1
    return repository_of(file), rows, drops


def write_parts() -> list[Path]:
    """The training records, repository by repository and sorted so that a file's history is together, as packed parts."""
    for old in UPLOAD.glob("records-*"):
        old.unlink()
    made: list[Path] = []
    stream, size = None, 0
    for file in training_files():
        for line in file.open("rb"):
            if stream is None or size > PART_RAW_BYTES:
                made.append(UPLOAD / f"records-{len(made):02d}.jsonl")
                stream, size = made[-1].open("wb"), 0
            stream.write(line)
            size += len(line)
    if stream:
        stream.close()
    running = [subprocess.Popen(["xz", "-T1", "-1", "-f", str(path)]) for path in made[:2]]
    for path in made[2:]:
        running.pop(0).wait()
        running.append(subprocess.Popen(["xz", "-T1", "-1", "-f", str(path)]))
    for process in running:
        process.wait()
    return [path.with_name(path.name + ".xz") for path in made]


def main() -> None:
    """Refines all records, held-out repositories first so that no training row repeats one of theirs, and packs them."""
    UPLOAD.mkdir(parents=True, exist_ok=True)
    REFINED.mkdir(parents=True, exist_ok=True)
    for old in REFINED.glob("*.jsonl"):
        old.unlink()
    files = sorted(RECORDS.glob("*.jsonl"), key=lambda file: (repository_of(file) not in HELD_OUT, file.name))
    seen: set[bytes] = set()
    drops: Counter = Counter()
    entries = []
    with Pool(2) as pool:
        for repository, rows, dropped in pool.imap(refine_file, files):
            about = json.loads(record_file(repository).with_suffix(".about.json").read_text())
            drops.update(dropped)
            drops.update(about["drops"])
            chosen = []
            for row in rows:
                key = fingerprint(row)
                if key in seen:
                    drops["duplicate"] += 1
                else:
                    seen.add(key)
                    chosen.append(row)
            chosen.sort(key=lambda row: (row["path"], row["date"], row["sha"], row["start_line"]))
            with record_file(repository, REFINED).open("w", encoding="utf-8") as file:
                file.writelines(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in chosen)
            split = "dropped" if not chosen else "held-out" if repository in HELD_OUT else "train"
            fixes = sum(is_fix(row["subject"], row["body"]) for row in chosen)
            entries.append(dict(repo=repository, head=about["head"], licence=about["licence"], records=len(chosen), fixes=fixes, split=split))
    entries.sort(key=lambda entry: entry["repo"].lower())
    REPOSITORIES.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in entries) + "\n]\n")
    sizes = [path.stat().st_size for path in write_parts()]
    trained = [entry for entry in entries if entry["split"] == "train"]
    summary = dict(repositories=len(trained), records=sum(e["records"] for e in trained), fixes=sum(e["fixes"] for e in trained),
                   parts=sizes, total=sum(sizes), drops=dict(drops.most_common()))
    (UPLOAD / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
    print(json.dumps(summary, indent=1))
    if max(sizes) > PART_BYTES or sum(sizes) > TOTAL_BYTES:
        raise SystemExit("a part or the whole is too large")


if __name__ == "__main__":
    main()
