"""Writes test/fixtures/protocol-rows.json: windows with edits as the training code puts them into tokens, for protocol.test.ts.

Run in the repository's root, with sentencepiece installed: python test/pipeline/make-protocol-rows.py
"""
import json
import random
import sys
from pathlib import Path

sys.path.insert(0, "training/pretrain")

from analysis import analyse, encode_analysis, scope  # noqa: E402
from hunks import PatchError, encode_patch, tidy, to_items  # noqa: E402
from protocol import Codec, encode_source, heading_above, view  # noqa: E402
from records import after_lines  # noqa: E402

ROWS = 16
WINDOW = 16


def random_edits(lines: list[str], rng: random.Random) -> list:
    """One to three edits: lines changed, deleted or inserted."""
    edits = []
    for place in sorted(rng.sample(range(len(lines)), rng.randint(1, 3))):
        kind = rng.choice(("change", "delete", "insert"))
        length = 0 if kind == "insert" else rng.randint(1, 2)
        old = lines[place:place + length]
        new = [] if kind == "delete" else [text.replace("e", "ö", 1) + " <|add|>" for text in old] or ["    inserted", ""]
        if not edits or edits[-1][1] <= place:
            edits.append([place, min(place + length, len(lines)), new])
    return tidy(lines, edits)


def main() -> None:
    codec = Codec("test/fixtures/tiny/tokenizer.model")
    rng = random.Random(5)
    rows: list[dict] = []
    files = sorted(Path("training/pretrain").glob("*.py"))
    while len(rows) < ROWS:
        file = rng.choice(files)
        text = file.read_text(encoding="utf-8").split("\n")[:-1]
        start = rng.randint(0, max(0, len(text) - WINDOW))
        lines = [view(line) for line in text[start:start + WINDOW]]
        if any("\u2581" in line for line in lines):
            continue  # The tokenizer's own mark for a space: Python's encoder reads it as one.
        edits = random_edits(lines, rng)
        heading = heading_above(text, start)
        title, body = "  Title  with\tspaces <|del|>", "\n\nFirst line\n\n  second " + "long " * (400 if not rows else 0) + "\n"
        try:
            patch = encode_patch(codec, to_items(lines, edits))
        except PatchError:
            continue
        if not edits or len(patch) > 400:
            continue
        rows.append({
            "title": title, "body": body, "path": str(file), "heading": heading, "lines": lines, "after": after_lines(lines, edits),
            "scopes": [scope(lines, index, heading) if line.strip() else None for index, line in enumerate(lines)],
            "source": encode_source(codec, title, body, str(file), heading, lines),
            "analysis": encode_analysis(codec, analyse("Title with spaces", str(file), heading, lines, edits)),
            "patch": patch,
        })
    target = Path("test/fixtures/protocol-rows.json")
    target.write_text("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
