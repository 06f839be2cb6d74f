"""Training samples from records: real commits, and bugs put into the code that a commit left behind.

Both are pure functions of (record, codec, rng); they run while the model trains.
"""
import re
from dataclasses import dataclass, field
from random import Random

from analysis import analyse, encode_analysis
from hunks import PatchError, encode_patch, tidy, to_items
from inject import inject
from issue_text import write_issue
from messages import clean, is_fix
from protocol import (
    MAX_ADD_TOKENS, MAX_ANALYSIS_TOKENS, MAX_PATCH_TOKENS, MAX_SOURCE_TOKENS, WINDOW_LINES, Codec, encode_head, heading_above, is_definition, view,
)
from pytext import indent
from recipe import Recipe
from records import after_lines

MIN_LINES = 20
_FIX_PREFIX = re.compile(
    r"^(?:(?:fix|bug|bugfix|hotfix|bugs|fixes)(?:\([^)]*\))?!?:\s+|(?:fix(?:e[sd]|ing)?|correct(?:s|ed)?|resolve[sd]?|address(?:es|ed)?)\s+(?:a |an |the )?(?:(?:small |minor |nasty |possible |potential )?"
    r"(?:bug|issue|problem|regression|error)s?\s+(?:where|when|in which|that|with|of|in|related to|causing|caused by|which|whereby|:)\s+(?:the )?)?)", re.I)


@dataclass
class Window:
    """A run of lines with edits on them, and where it lies in the file."""

    lines: list[str]
    edits: list
    start_line: int
    heading: str


@dataclass
class Sample:
    """Token ids of one training row and the texts behind them."""

    source_ids: list[int]
    analysis_ids: list[int]
    patch_ids: list[int]
    kind: str
    title: str = ""
    body: str = ""
    path: str = ""
    window: Window | None = None
    fields: dict[str, str] = field(default_factory=dict)


def weight(record: dict) -> float:
    """How often a record is drawn: repairs twice as often as other commits."""
    return 2.0 if is_fix(record["subject"], record["body"]) else 1.0


def place_window(lines: list[str], first: int, last: int, at_file_start: bool, rng: Random, most: int = WINDOW_LINES) -> tuple[int, int] | None:
    """A random window [start, end) of at most `most` lines that holds lines first…last-1; at times it begins at a definition or at the file's first line."""
    span = last - first
    if span > most - 4 or len(lines) < 4:
        return None
    size = min(most, max(rng.randint(MIN_LINES, most), span + 4))
    low, high = max(0, last - size), min(first, max(0, len(lines) - min(size, len(lines))))
    start = rng.randint(min(low, first), max(min(low, first), min(high, first)))
    draw = rng.random()
    if at_file_start and last <= most - 2 and draw < 0.25:
        start, size = 0, max(size, last + 2)
    elif draw < 0.6:
        heads = [i for i in range(max(0, last - most + 2), min(first + 1, len(lines))) if is_definition(lines[i])]
        if heads:
            start = heads[-1] if rng.random() < 0.5 else rng.choice(heads)
            while start > 0 and lines[start - 1].lstrip().startswith("@") and last - start < most - 2:
                start -= 1
            size = max(size, last - start + 2)
            if rng.random() < 0.4:      # to the end of the definition
                width = indent(lines[start])
                stop = next((i for i in range(max(start + 1, last), len(lines)) if lines[i].strip() and indent(lines[i]) <= width and lines[i].lstrip()[0] not in ")]}#@"), len(lines))
                size = max(stop - start, last - start + 1)
    return start, min(len(lines), start + min(size, most))


def encode_sample(codec: Codec, title: str, body: str, path: str, lines: list[str], edits: list, start: int, end: int,
                  start_line: int, above: str, kind: str) -> Sample | None:
    """The row for lines[start:end], made smaller where it has too many tokens."""
    first, last = edits[0][0], max(edits[-1][1], edits[-1][0] + 1)
    sizes = [len(ids) for ids in (codec.encode_line(line) for line in lines[start:end])]
    room = MAX_SOURCE_TOKENS - len(encode_head(codec, title, body, path, "")) - 48
    total, begin, stop = sum(sizes), start, end
    while total > room and stop - begin > 4:
        if stop - last > max(2, first - begin) or first - begin <= 1:
            stop -= 1
            total -= sizes[stop - start]
        else:
            total -= sizes[begin - start]
            begin += 1
    if not (begin <= first and edits[-1][1] <= stop) or total > room:
        return None
    shown = lines[begin:stop]
    moved = [[a - begin, b - begin, new] for a, b, new in edits]
    heading = heading_above(lines, begin) or ("" if start_line + begin <= 1 else above)
    source = encode_head(codec, title, body, path, heading) + codec.encode_lines(shown)
    try:
        items = to_items(shown, moved)
    except PatchError:
        return None
    patch = encode_patch(codec, items)
    fields = analyse(title, path, heading, shown, moved)
    analysis = encode_analysis(codec, fields)
    if len(source) > MAX_SOURCE_TOKENS or len(patch) > MAX_PATCH_TOKENS or len(analysis) > MAX_ANALYSIS_TOKENS:
        return None
    if any(len(codec.encode_line(text)) > MAX_ADD_TOKENS for mark, text in items if mark == "add"):
        return None
    return Sample(source, analysis, patch, kind, title, body, path, Window(shown, moved, start_line + begin, heading), fields)


def _issue_of_commit(record: dict, rng: Random) -> tuple[str, str]:
    """The commit message as an issue: the imperative of the title and parts of the body go at times."""
    title, body = clean(f"{record['subject']}\n\n{record['body']}")
    if rng.random() < 0.45:
        plain = _FIX_PREFIX.sub("", title)
        if len(plain) >= 12 and plain != title:
            title = plain[0].upper() + plain[1:]
    draw = rng.random()
    if draw < 0.15:
        body = ""
    elif draw < 0.35:
        body = body.split("\n\n")[0]
    return title, body


def commit_sample(record: dict, codec: Codec, rng: Random, recipe: Recipe = Recipe()) -> Sample | None:
    """A row from a real commit; None if it does not fit."""
    lines = [view(line) for line in record["before"]]
    edits = tidy(lines, [[start, end, [line.rstrip("\r") for line in new]] for start, end, new in record["edits"]])
    if not edits or recipe.max_edits is not None and len(edits) > recipe.max_edits:
        return None
    placed = place_window(lines, edits[0][0], edits[-1][1], record["start_line"] <= 1, rng, recipe.window_lines)
    if placed is None:
        return None
    title, body = _issue_of_commit(record, rng)
    return encode_sample(codec, title, body, record["path"], lines, edits, *placed, record["start_line"], record["heading"], "commit")


def injected_sample(record: dict, codec: Codec, rng: Random, recipe: Recipe = Recipe()) -> Sample | None:
    """A row from a bug put into the lines after a commit; None if no place will do."""
    correct = [view(line) for line in after_lines(record["before"], record["edits"])]
    if len(correct) < 8:
        return None
    middle = rng.randrange(len(correct))
    placed = place_window(correct, middle, middle + 1, record["start_line"] <= 1, rng, recipe.window_lines)
    if placed is None:
        return None
    start, end = placed
    above = heading_above(correct, start) or ("" if record["start_line"] + start <= 1 else record["heading"])
    bug = inject(correct[start:end], rng, above, recipe.kinds)
    if bug is None:
        return None
    edits = tidy(bug.lines, bug.edits)
    if not edits:
        return None
    title, body = write_issue(bug, record["path"], record["start_line"] + start, rng, recipe)
    lines = correct[:start] + bug.lines + correct[end:]
    moved = [[a + start, b + start, new] for a, b, new in edits]
    sample = encode_sample(codec, title, body, record["path"], lines, moved, start, min(start + len(bug.lines), start + recipe.window_lines),
                           record["start_line"], record["heading"], f"injected: {bug.kind}")
    return sample if sample and edits[0][1] <= len(bug.lines) else None
