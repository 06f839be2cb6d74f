"""Puts one bug into correct code and knows how to take it out again."""
import ast
import re
import textwrap
from dataclasses import dataclass, field
from random import Random

from analysis import scope
from mutations_block import body_end, removals
from mutations_line import KEYWORDS, arguments, comparisons, constants, conversions, exceptions, names, operators
from protocol import is_definition
from pytext import CODE, blank_strings, indent, kinds, only_string

# How often each kind is taken when it is at hand.
WEIGHTS = {
    "boundary": 9, "comparison": 3, "boolean": 4, "negation": 4, "clause": 5, "constant": 2, "index": 8, "slice": 9, "range": 9, "off by one": 9,
    "arithmetic": 6, "accumulate": 7, "operands": 6, "ternary": 5, "swapped arguments": 4, "dropped argument": 5, "argument value": 2, "default lookup": 5,
    "default value": 3, "wrong variable": 3, "wrong method": 4, "wrong attribute": 2, "misspelt name": 0.5, "lost self": 0.5, "wrong key": 2.5, "conversion": 5, "await": 3,
    "lost return": 3, "partial result": 6, "wrong except": 5, "wrong raise": 3, "narrow type": 8, "loop control": 7, "removed statement": 3, "lost state": 2,
    "swapped lines": 4, "left the block": 5, "missing guard": 6, "unguarded": 4, "inverted branches": 4, "missing branch": 6, "chained": 3, "early return": 7, "missing try": 5,
}
_INTERESTING = re.compile(r"\(|\b(def|return|if|elif|while|for|raise|except|yield|await)\b")
_ASSIGNED = re.compile(r"(?:^|\n)\s*([a-z_]\w*)(?:, ([a-z_]\w*))?(?:: [^=\n]+)? [-+*/|&]?= |\bfor ([a-z_]\w*)(?:, ([a-z_]\w*))? in\b|\bas ([a-z_]\w*)\b")
_PARAMETER = re.compile(r"[(,]\s*\*{0,2}([a-z_]\w*)(?=\s*[,=:)])")
_KEY = re.compile(r"(?:\[|get\()['\"]([\w\-]{2,20})['\"]")


@dataclass
class Injection:
    """Broken lines, the edits that repair them, and what was done."""

    lines: list[str]
    edits: list
    kind: str
    function: str
    owner: str = ""
    facts: dict = field(default_factory=dict)


def candidates_of(lines: list[str], which: list[int], index: int, known: list[str], attributes: list[str], keys: list[str], rng: Random) -> list:
    """All (kind, first, last, broken lines, facts) at one line."""
    line = lines[index]
    code = blank_strings(line)
    found = [(kind, index, index + 1, [new], facts)
             for finder in (comparisons(line, code), constants(line, code), operators(line, code), arguments(line, code), conversions(line, code),
                            names(line, code, known, attributes, keys, rng), exceptions(line, code, rng))
             for kind, new, facts in finder]
    return found + list(removals(lines, which, index))


def enclosing(lines: list[str], first: int, last: int) -> tuple[int, int] | None:
    """The smallest whole definition, of at most 70 lines, around lines first…last-1."""
    width = indent(lines[first])
    for start in range(first, max(-1, first - 70), -1):
        line = lines[start]
        if line.strip() and is_definition(line) and (indent(line) < width or start == first):
            end = body_end(lines, start)
            if end >= last:
                return start, end
    return None


def _parses(lines: list[str]) -> bool:
    try:
        ast.parse(textwrap.dedent("\n".join(lines)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _alone(line: str) -> list[str]:
    """One line as a small program."""
    text = line.strip()
    text = text + " pass" if text.endswith(":") else text
    return (["if 1: pass"] if text.startswith(("elif", "else")) else ["try: pass"] if text.startswith("except") else []) + [text]


def _is_sound(lines: list[str], first: int, last: int, new: list[str]) -> bool:
    """Whether the broken code differs and still parses, where the correct code does."""
    if [line.split() for line in new] == [line.split() for line in lines[first:last]] and [indent(line) for line in new] == [indent(line) for line in lines[first:last]]:
        return False
    around = enclosing(lines, first, last)
    if around:
        start, end = around
        if _parses([*lines[start:first], *new, *lines[last:end]]):
            return True
        if _parses(lines[start:end]):
            return False
    if first + 1 == last and len(new) == 1:
        return _parses(_alone(new[0])) or not _parses(_alone(lines[first]))
    return True


def usable_lines(lines: list[str], which: list[int]) -> list[int]:
    """Indexes of lines that may be broken: code, not imports, decorators, string-only lines, closings."""
    out = []
    for index, line in enumerate(lines):
        bare = line.strip()
        if which[index] == CODE and bare and len(line) <= 160 and not bare.startswith(("import ", "from ", "@", "class ", "assert ", "print(", "del ", "global ")) \
                and bare[0] not in ")]}" and '"""' not in line and "'''" not in line and not only_string(line) and "TYPE_CHECKING" not in line and not re.match(r"__\w+__ =|[A-Z_]+ = ['\"]", bare):
            out.append(index)
    return out


def inject(lines: list[str], rng: Random, heading: str = "", allowed: frozenset[str] | None = None) -> Injection | None:
    """Breaks the lines at one place, by one of the `allowed` kinds (default: all); None if no place will do."""
    which = kinds(lines)
    places = usable_lines(lines, which)
    if not places:
        return None
    weights = [(3 if _INTERESTING.search(lines[i]) else 1) * (2 if indent(lines[i]) else 0.15) for i in places]
    chosen = sorted(set(rng.choices(places, weights, k=10)))
    text = "\n".join(line for line, kind in zip(lines, which) if kind == CODE)
    known = variables(text)
    attributes = sorted(set(re.findall(r"\.([a-z_]\w+)\b(?!\()", text)))
    keys = sorted(set(_KEY.findall(text)))
    found: dict[str, list] = {}
    for index in chosen:
        near = _near(lines, index)
        local = [name for name in known if name in near]
        for candidate in candidates_of(lines, which, index, local or known, attributes, keys, rng):
            if allowed is None or candidate[0] in allowed:
                found.setdefault(candidate[0], []).append(candidate)
    for _ in range(5):
        if not found:
            return None
        kind = rng.choices(list(found), [WEIGHTS.get(kind, 1) for kind in found])[0]
        _, first, last, new, facts = rng.choice(found.pop(kind))
        if any(which[i] != CODE for i in range(first, last)) and rng.random() < 0.7 or not _is_sound(lines, first, last, new):
            continue
        if any(not 0 < len(line) <= 200 for line in new):
            continue
        broken = [*lines[:first], *new, *lines[last:]]
        function, owner = _names(lines, first, heading)
        return Injection(broken, [[first, first + len(new), lines[first:last]]], kind, function, owner, facts)
    return None


def variables(text: str) -> list[str]:
    """Names of local variables and parameters."""
    found = {name for names_ in _ASSIGNED.findall(text) for name in names_}
    for line in text.split("\n"):
        if re.match(r"\s*(async )?def ", line) or re.match(r"\s+\w+(: [\w.\[\], |]+)?( ?= ?\S+)?,$", line):
            found.update(_PARAMETER.findall("," + line if "(" not in line else line))
    return sorted(name for name in found if name and name not in KEYWORDS)


def _near(lines: list[str], index: int) -> set[str]:
    """Names used in the definition around a line, or within 15 lines."""
    around = enclosing(lines, index, index + 1) or (max(0, index - 15), index + 15)
    return set(re.findall(r"\w+", "\n".join(lines[around[0]:around[1]])))


def _names(lines: list[str], index: int, heading: str) -> tuple[str, str]:
    """(function, class) around a line, as far as the lines show them."""
    function = scope(lines, index, heading)
    owner = ""
    start = next((i for i in range(index, -1, -1) if re.match(rf"\s*(async\s+)?def {re.escape(function)}\b", lines[i])), None)
    if start is not None:
        width = indent(lines[start])
        for above in range(start - 1, -1, -1):
            if lines[above].strip() and indent(lines[above]) < width:
                found = re.match(r"\s*class (\w+)", lines[above])
                if found or not lines[above].lstrip().startswith(("@", "#", ")")):
                    owner = found[1] if found else ""
                    break
    return ("" if function == "<module>" else function), owner
