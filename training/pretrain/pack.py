"""Packs mined records for training: drops duplicates, writes .work/upload/records-NN.jsonl.xz and repositories.json."""
import hashlib
import json
import re
import subprocess
from collections import Counter
from pathlib import Path

from messages import is_fix, unwanted
from records import HELD_OUT, RECORDS, REPOSITORIES, UPLOAD, read_records, record_file, repository_of

PART_BYTES, TOTAL_BYTES = 54_000_000, 220_000_000
LINES_OF_PART = 290_000_000      # raw bytes of a part; its packed size stays under PART_BYTES


def fingerprint(record: dict) -> bytes:
    """Equal for edits that replace the same text by the same text, layout apart; short edits count with their surroundings."""
    parts: list[str] = []
    for start, end, new in record["edits"]:
        old = record["before"][start:end]
        if sum(len(line.strip()) for line in old + new) < 80:
            parts += record["before"][max(0, start - 2):start] + ["^"] + record["before"][end:end + 2]
        parts += ["-", *old, "+", *new]
    return hashlib.sha1("\n".join(re.sub(r"\s+", "", part) for part in parts).encode()).digest()[:10]


def main() -> None:
    """Reads all records, held-out repositories first, and writes the parts."""
    UPLOAD.mkdir(parents=True, exist_ok=True)
    files = sorted(RECORDS.glob("*.jsonl"), key=lambda file: (repository_of(file) not in HELD_OUT, file.name))
    seen: set[bytes] = set()
    drops: Counter = Counter()
    entries, part, size, raw = [], 0, 0, None
    made: list[Path] = []
    for old in UPLOAD.glob("records-*"):
        old.unlink()
    for file in files:
        about = json.loads(file.with_suffix(".about.json").read_text())
        repository, kept = about["repo"], 0
        held = repository in HELD_OUT
        rows = list(read_records(file))
        chosen = []
        for row in rows:
            key = fingerprint(row)
            if key in seen:
                drops["duplicate"] += 1
            elif unwanted(row["subject"]):
                drops["message"] += 1
            else:
                seen.add(key)
                chosen.append(row)
        for reason, count in about["drops"].items():
            drops[reason] += count
        kept = len(chosen)
        fixes = sum(is_fix(row["subject"], row["body"]) for row in chosen)
        about_row = dict(repo=repository, head=about["head"], licence=about["licence"], records=kept, fixes=fixes,
                         split="dropped" if not kept else "held-out" if held else "train")
        entries.append(about_row)
        if held or not kept:
            continue
        chosen.sort(key=lambda row: (row["path"], row["date"], row["sha"], row["start_line"]))
        for row in chosen:
            line = json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"
            if raw is None or size > LINES_OF_PART:
                if raw:
                    raw.close()
                made.append(UPLOAD / f"records-{part:02d}.jsonl")
                raw, size, part = made[-1].open("w", encoding="utf-8"), 0, part + 1
            raw.write(line)
            size += len(line.encode())
    if raw:
        raw.close()
    for path in made:
        subprocess.run(["xz", "-T2", "-6", "-f", str(path)], check=True)
    sizes = [path.with_name(path.name + ".xz").stat().st_size for path in made]
    entries.sort(key=lambda entry: entry["repo"].lower())
    REPOSITORIES.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in entries) + "\n]\n")
    trained = [entry for entry in entries if entry["split"] == "train"]
    summary = dict(repositories=len(trained), records=sum(e["records"] for e in trained), fixes=sum(e["fixes"] for e in trained),
                   parts=sizes, total=sum(sizes), drops=dict(drops.most_common()))
    (UPLOAD / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
    print(json.dumps(summary, indent=1))
    if max(sizes) > PART_BYTES + 2_000_000 or sum(sizes) > TOTAL_BYTES:
        raise SystemExit("a part or the whole is too large")


if __name__ == "__main__":
    main()
