"""Makes a mined record worth learning from: clean message, only edits that change what the code does."""
import re

from messages import clean, unwanted
from pytext import COMMENT, DOC, kinds, meaning
from records import after_lines

MAX_EDITS, MAX_LINES, MAX_NEW = 6, 150, 30
_IMPORT = re.compile(r"\s*(from\s+\S+\s+import\b|import\b|[\w, ]+,?\)?$|\)$)")


def _effect(before: list[str], edits: list) -> list[str]:
    """Of each edit: 'text' (comments and docstrings), 'layout', or '' when it changes the code."""
    after = after_lines(before, edits)
    kinds_before, kinds_after = kinds(before), kinds(after)
    shift, out = 0, []
    for start, end, new in edits:
        first, last = start + shift, start + shift + len(new)
        shift += len(new) - (end - start)
        changed = kinds_before[start:end] + kinds_after[first:last]
        if changed and all(kind in (DOC, COMMENT) for kind in changed):
            out.append("text")
            continue
        a, b = meaning(before[start:end], kinds_before[start:end]), meaning(after[first:last], kinds_after[first:last])
        widths_a, widths_b = [token for token in a if isinstance(token, int)], [token for token in b if isinstance(token, int)]
        same = [token for token in a if isinstance(token, str)] == [token for token in b if isinstance(token, str)]
        out.append("layout" if same and (widths_a == widths_b or len(widths_a) != len(widths_b)) else "")
    return out


def refine(record: dict, by_meaning: bool = True) -> tuple[dict | None, str]:
    """(the record, '') or (None, why it is of no use). Without `by_meaning` edits that change nothing but text, layout or imports are of use, too."""
    subject, body = clean(record["subject"] + "\n\n" + record["body"])
    if unwanted(subject):
        return None, "message"
    before = [line.rstrip("\r") for line in record["before"]]
    edits = [[start, end, [line.rstrip("\r") for line in new]] for start, end, new in record["edits"]]
    new = [line for edit in edits for line in edit[2]]
    old = [line for start, end, _ in edits for line in before[start:end]]
    if len(before) > MAX_LINES or len(edits) > MAX_EDITS or not old and len(new) > MAX_NEW:
        return None, "large"
    if any(len(line) > 200 for line in new + old) or sum(map(len, before)) > 9000 or any(len(line) > 1000 for line in before):
        return None, "long lines"
    if any("\ufffd" in line or "\x00" in line or "\x0c" in line for line in before + new):
        return None, "encoding"
    if not by_meaning:
        return {**record, "subject": subject, "body": body, "before": before, "edits": edits}, ""
    effects = _effect(before, edits)
    edits = [edit for edit, effect in zip(edits, effects) if not effect]
    if not edits:
        return None, "formatting" if "layout" in effects else "comments and docstrings"
    changed = [line for edit in edits for line in edit[2]] + [line for start, end, _ in edits for line in before[start:end]]
    if all(_IMPORT.match(line) for line in changed if line.strip()) and any("import" in line for line in changed):
        return None, "imports"
    return {**record, "subject": subject, "body": body, "before": before, "edits": edits}, ""
