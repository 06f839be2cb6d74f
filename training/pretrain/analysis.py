"""The analysis of a window that goes with an edit: type of fault, place, line, hint (docs/design.md)."""
import re
from difflib import SequenceMatcher

from protocol import Codec
from pytext import indent

_TOKEN = re.compile(r"\w+|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|\*\*=?|//=?|[-+*/%&|^@=!<>]=|->|[^\w\s]")
_DEFINED = re.compile(r"\s*(?:async\s+def|def|class)\s+(\w+)")
_IF = r"(if|elif|while)\b.*([:(\\,]|\band|\bor)\s*(#.*)?$"
_OPERATORS = set("+ - * / // % ** < > <= >= == != and or not in is & | ^ << >> += -= *= /= = //= |= &=".split())
_CONSTANT = re.compile(r"\d[\w.]*$|True$|False$|None$")


def pieces(line: str) -> list[tuple[str, int, int]]:
    """(token, start, end) of a line."""
    return [(m[0], m.start(), m.end()) for m in _TOKEN.finditer(line)]


def changes(old: str, new: str) -> list[tuple[int, int, int, int, list, list]]:
    """The differing token ranges of two lines."""
    a, b = pieces(old), pieces(new)
    matcher = SequenceMatcher(None, [t[0] for t in a], [t[0] for t in b], autojunk=False)
    return [(i1, i2, j1, j2, a, b) for tag, i1, i2, j1, j2 in matcher.get_opcodes() if tag != "equal"]


def _code(lines: list[str]) -> list[str]:
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _of_one_line(old: str, new: str) -> str:
    """The type of a change inside one line; empty if no simple type fits."""
    diff = changes(old, new)
    if not diff or len(diff) > 2:
        return ""
    i1, i2, j1, j2, a, b = diff[0]
    removed, added = [t[0] for t in a[i1:i2]], [t[0] for t in b[j1:j2]]
    everything = [t[0] for d in diff for t in (*d[4][d[0]:d[1]], *d[5][d[2]:d[3]])]
    if all(token[0] in "\"'" for token in everything):
        return "wrong text"
    if all(_CONSTANT.match(token) for token in everything):
        return "wrong constant"
    if all(token in _OPERATORS for token in everything):
        return "wrong operator"
    if len(diff) == 1 and len(removed) == len(added) == 1 and re.match(r"[A-Za-z_]\w*$", removed[0]) and re.match(r"[A-Za-z_]\w*$", added[0]):
        after = a[i2][0] if i2 < len(a) else ""
        dotted = i1 > 0 and a[i1 - 1][0] == "."
        return "wrong call" if after == "(" else "wrong attribute" if dotted else "wrong name"
    depth = sum({"(": 1, "[": 0, ")": -1}.get(t[0], 0) for t in a[:i1])
    if depth > 0:
        return "missing argument" if all(i1 == i2 for i1, i2, *_ in diff) and "," in everything else "wrong argument"
    if not old.startswith("return") and "(" in everything:
        return "wrong call"
    return ""


def fault_type(before: list[str], edits: list) -> str:
    """One of FAULT_TYPES."""
    old = _code([line for start, end, _ in edits for line in before[start:end]])
    new = _code([line for edit in edits for line in edit[2]])
    old, new = [line for line in old if line not in new] or old, [line for line in new if line not in old] or new
    def some(lines: list[str], pattern: str) -> list[str]:
        return [line for line in lines if re.match(pattern, line)]
    definition = r"(async def|def|class)\b"
    if old and sorted(old) == sorted(new):
        return "order of statements"
    if all(line.startswith(("from ", "import ")) for line in old + new):
        return "import"
    if some(new, definition):
        return "signature" if some(old, definition) else "missing definition"
    if not new:
        return "extra code"
    if some(new, r"except\b") and some(old, r"except\b") or some(new, r"raise\b") and some(old, r"raise\b") and len(new) == 1:
        return "wrong exception"
    if some(new, r"(try|except|finally)\b"):
        return "exception handling"
    if some(new, _IF):
        return "wrong condition" if some(old, _IF) else "missing check"
    if not old:
        return "missing statement"
    if len(old) == len(new) == 1:
        return _of_one_line(old[0], new[0]) or ("return value" if new[0].startswith(("return", "yield")) else "wrong statement")
    if some(new + old, r"(return|yield)\b"):
        return "return value"
    if some(new, r"raise\b"):
        return "exception handling"
    return "wrong statement"


def anchor(before: list[str], edits: list) -> int | None:
    """Index of the line the analysis names: the first non-blank deleted line, else the non-blank line before the insertion."""
    for start, end, _ in edits:
        for index in range(start, end):
            if before[index].strip():
                return index
    return next((index for index in range(edits[0][0] - 1, -1, -1) if before[index].strip()), None)


def scope(lines: list[str], index: int, heading: str) -> str:
    """Name of the innermost definition that holds a line; `<module>` if none."""
    found = _DEFINED.match(lines[index])
    if found:
        return found[1]
    width = indent(lines[index])
    if lines[index].lstrip().startswith("@"):
        return next((m[1] for line in lines[index:index + 8] if (m := _DEFINED.match(line))), "<module>")
    for above in range(index - 1, -1, -1):
        line = lines[above]
        if width == 0:
            break
        if line.strip() and indent(line) < width and line.lstrip()[0] not in ")]}#\"'":
            found = _DEFINED.match(line)
            if found:
                return found[1]
            width = indent(line)
    found = _DEFINED.match(heading)
    return found[1] if found and width > 0 else "<module>"


def _clip(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1].rstrip() + "…"


def _hint_of_line(old: str, new: str) -> str:
    """What to change inside one line."""
    diff = changes(old, new)
    if not diff or len(diff) > 2:
        return ""
    out = []
    for i1, i2, j1, j2, a, b in diff:
        removed = old[a[i1][1]:a[i2 - 1][2]] if i2 > i1 else ""
        added = new[b[j1][1]:b[j2 - 1][2]] if j2 > j1 else ""
        last = a[i1 - 1] if i1 else None
        if removed and added:
            out.append(f"replace {_clip(removed, 40)} with {_clip(added, 48)}")
        elif added:
            out.append(f"insert {_clip(added, 56)}" + (f" after {_clip(last[0], 24)}" if last else " at the start"))
        else:
            out.append(f"remove {_clip(removed, 56)}" + (f" after {_clip(last[0], 24)}" if last else ""))
    return "; ".join(out)


def _pair(old: list[str], new: list[str]) -> tuple[str, str]:
    """A removed line and the added line that stands for it."""
    if len(old) == len(new):
        return next(((a, b) for a, b in zip(old, new) if a != b), (old[0], new[0]))
    kept = [line for line in old if line not in new] or old      # and the closest of the first added lines, if it is close
    closest = max(new[:4], key=lambda line: (SequenceMatcher(None, kept[0], line, autojunk=False).ratio(), -new.index(line)))
    return kept[0], closest if SequenceMatcher(None, kept[0], closest, autojunk=False).ratio() > 0.75 else next((line for line in new if line not in old), new[0])


def hint(before: list[str], edits: list) -> str:
    """A short plan of the edit, at most 100 characters."""
    out: list[str] = []
    for start, end, new in edits:
        old, fresh = _code(before[start:end]), _code(new)
        if old and fresh and sorted(old) == sorted(fresh):
            deeper = indent(next(line for line in new if line.strip())) - indent(next(line for line in before[start:end] if line.strip()))
            out.append(f"move {_clip(fresh[0], 60)} first" if fresh[0] != old[0] else f"{'indent' if deeper > 0 else 'dedent'} {_clip(old[0], 60)}" if deeper else f"reorder after {_clip(old[0], 60)}")
        elif old and fresh and (set(old) < set(fresh) or set(fresh) < set(old)):
            more = next((line for line in fresh if line not in old), "")
            out.append(f"add {_clip(more, 80)}" if more else f"remove {_clip(next(line for line in old if line not in fresh), 80)}")
        elif old and fresh:
            pair = _pair(old, fresh)
            near = len(old) == len(fresh) or SequenceMatcher(None, *pair, autojunk=False).ratio() > 0.75
            out.append(near and _hint_of_line(*pair) or f"rewrite {_clip(pair[0], 36)} as {_clip(pair[1], 50)}")
        elif fresh:
            out.append(f"add {_clip(fresh[0], 80)}")
        elif old:
            out.append(f"remove {_clip(old[0], 80)}")
        if sum(map(len, out)) > 60:
            break
    return _clip("; ".join(out), 100)


def analyse(title: str, path: str, heading: str, lines: list[str], edits: list) -> dict[str, str]:
    """All fields of the analysis, each on one line."""
    index = anchor(lines, edits)
    name = "<module>" if index is None else scope(lines, index, heading)
    return {
        "problem": " ".join(title.split())[:120],
        "type": fault_type(lines, edits),
        "loc": f"{path.rpartition('/')[2]}::{name}",
        "line": "" if index is None else lines[index].strip()[:80],
        "hint": hint(lines, edits),
    }


def encode_analysis(codec: Codec, fields: dict[str, str]) -> list[int]:
    """Token ids of the analysis, without the surrounding `analyse` and `patch`."""
    ids: list[int] = []
    for name in ("problem", "type", "loc", "line", "hint"):
        ids += [codec.special[f"<|{name}|>"], *codec.encode_text(fields[name])]
    return ids
