"""Made-up records for `--smoke` and the tests: small functions with one edit each. Nothing here is mined."""

from __future__ import annotations

import json
import lzma
import random
from pathlib import Path

from protocol import Codec

TEMPLATE = '''class {name}Store:
    """Keeps {noun}s by key."""

    def __init__(self, limit={limit}):
        self.limit = limit
        self.items = {{}}

    def add(self, key, {noun}):
        if len(self.items) {operator} self.limit:
            raise ValueError("too many {noun}s")
        self.items[key] = {noun}
        return len(self.items)

    def get(self, key, default=None):
        value = self.items.get(key)
        if value is None:
            return default
        return value

    def total(self, start=0):
        result = start
        for {noun} in self.items.values():
            result += {noun}.size
        return result
'''
NOUNS = ("order", "image", "event", "user", "token", "packet", "route", "ticket")


def make_record(rng: random.Random, number: int) -> dict:
    """One commit record: the limit check let one item too many in."""
    noun = rng.choice(NOUNS)
    lines = TEMPLATE.format(name=noun.capitalize(), noun=noun, limit=rng.randint(3, 90), operator=">").split("\n")[:-1]
    at = next(i for i, line in enumerate(lines) if "len(self.items) >" in line)
    return {
        "repo": "smoke/made-up", "sha": f"{number:040x}", "date": 1_700_000_000 + number, "subject": f"Fix {noun} limit: one {noun} too many was accepted",
        "body": f"`add` must refuse the {noun} when the store is full.", "path": f"store/{noun}s.py", "heading": "", "start_line": 1,
        "before": lines, "edits": [[at, at + 1, [lines[at].replace(">", ">=")]]],
    }


def write_records(out: Path, tokenizer: Path, count: int = 120, heldout: int = 12) -> Path:
    """Writes records-00.jsonl.xz and heldout.jsonl into `out`; returns the path of the latter."""
    from samples import commit_sample, injected_sample

    rng, codec = random.Random(3), Codec(str(tokenizer))
    with lzma.open(out / "records-00.jsonl.xz", "wt", preset=0) as file:
        for number in range(count):
            file.write(json.dumps(make_record(rng, number)) + "\n")
    with open(out / "heldout.jsonl", "w") as file:
        for number in range(heldout):
            record = make_record(rng, count + number)
            for sample in (commit_sample(record, codec, rng), injected_sample(record, codec, rng)):
                if sample is not None:
                    fields = ("kind", "source_ids", "analysis_ids", "patch_ids")
                    file.write(json.dumps({name: getattr(sample, name) if name == "kind" else list(getattr(sample, name)) for name in fields}) + "\n")
    return out / "heldout.jsonl"
