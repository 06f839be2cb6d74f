"""Writes test/fixtures/data-rows.json: what the Python side makes of edits and messages, for the tests of training/data and derived-analysis.

Run in the repository's root: python test/data/make-data-rows.py
"""
import json
import sys
from pathlib import Path
from random import Random

sys.path.insert(0, "training/pretrain")

from analysis import analyse  # noqa: E402
from inject import inject  # noqa: E402
from messages import clean, unwanted  # noqa: E402
from refine import refine  # noqa: E402

LINES = Path("training/pretrain/snippets.txt").read_text().split("\n\n\nexport function")[0].split("\n")


def at(text: str) -> int:
    """Index of the first line with this text."""
    return next(index for index, line in enumerate(LINES) if text in line)


def replaced(text: str, new: list[str], count: int = 1) -> list:
    """The edit that puts other lines in the place of `count` lines from the one with this text."""
    return [at(text), at(text) + count, new]


EDITS = [
    [replaced("return result", ["        return round(result, 2)"])],
    [replaced("result += price", ["            if count > 0:", "                result += price * count"])],
    [replaced("result = 0", ["        result = 0.0", "        log.debug(self.items)"]), replaced("return result", ["        return int(result)"])],
    [[at("def total"), at("def total"), ["    def size(self):", "        return len(self.items)", ""]]],
    [replaced("def add", ["    def add(self, name, price, count=1, note=None):"]), replaced("self.items.append", ["        self.items.append((name, price, count, note))"])],
    [replaced("except ConnectionError", ["        except (ConnectionError, TimeoutError) as error:"])],
    [replaced("raise RuntimeError", ['            raise ValueError("the basket is closed")'])],
    [replaced("if self.closed", [], 2)],
    [[0, 0, ["import math", "", ""]]],
    [replaced("if not self.items", ["        if self.items:", "            return min(self.items, key=lambda item: item[1])", "        return None"], 3)],
    [replaced("self.items = list", ["        self.closed = False", "        self.items = list(items or [])"], 2)],
    [replaced("with open", ["    try:", "        file = open(path, encoding=encoding)", "    except FileNotFoundError:", "        return"])],
    [replaced('"""The sum of', ['        """The sum of all prices, in cents."""'])],
    [replaced("return sum(values)", ["    return (sum(values)", "            / len(values))  # of numbers"])],
    [replaced("if len(values)", ["    if not values:"]), replaced("return sum(values)", ["    return sum(values) / len(values) or 0"])],
    [[at("result = 0") + 1, at("result = 0") + 1, ["        # prices are in cents"]]],
    [replaced("return sum(values)", ["    return  sum(values)/len( values )"])],
    [replaced("return year", ["    return year % 4 == 0 and year % 100 != 0 or year % 400 == 0"])],
    [replaced("for attempt", ["    for attempt in range(1, retries + 1):"]), replaced("if attempt", ["            if attempt == retries:"])],
    [replaced('self.items = list', ["        self.items = list(items or ())"]), replaced('"""Things', ['    """Things."""'])],
]
MESSAGES = [
    "Fix the total (#12)\n\nIt was wrong.\n\nSigned-off-by: A <a@b>",
    "[core] Baskets lose items when they are closed, fixes #77\n\n* add tests\n* the list was shared\n\n\n\nSee above.\n\nhttps://example.org/1",
    "Handle an empty list of items in the cheapest item of the\nbasket, which raised before\n\nCo-authored-by: B",
    "Squashed work on prices (#9)\n\n* fix\n* prices are integers now\n\nMore text.",
    "Prices were rounded twice\n\ndiff --git a/x b/x\n+secret",
    "Bump version to 1.2", "Fix typo in the docs", "Refactor the basket", "fix", "Crash on empty input\n\n" + "A long line of text.\n" * 90,
]


def main() -> None:
    """Command line."""
    cases = [(LINES, edits) for edits in EDITS]
    cases += [(bug.lines, bug.edits) for seed in range(80) if (bug := inject(LINES, Random(seed)))]
    rows = []
    for lines, edits in cases:
        record = dict(subject="Baskets are added up twice", body="", before=lines, edits=edits)
        kept, reason = refine(record)
        row = dict(lines=lines, edits=edits, analysis=analyse("  Baskets are\tadded up twice ", "shop/basket.py", "", lines, edits), reason=reason)
        rows.append({**row, "kept": kept["edits"] if kept else []})
    messages = []
    for text in MESSAGES:
        title, body = clean(text)
        messages.append(dict(text=text, title=title, body=body, upkeep=unwanted(title)))
    target = Path("test/fixtures/data-rows.json")
    target.write_text(json.dumps(dict(rows=rows, messages=messages), ensure_ascii=False) + "\n")
    print(len(rows), "rows,", len({row["analysis"]["type"] for row in rows}), "types,", target.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
