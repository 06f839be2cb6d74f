"""Ways to break one line of correct Python. Each finder yields (kind, broken line, facts)."""
import re
from collections.abc import Iterator
from random import Random

KEYWORDS = set(
    "def class if elif else for while in is not and or return yield import from as with try except finally raise pass break continue lambda"
    " None True False self cls assert del global nonlocal async await print super match case".split())
Found = tuple[str, str, dict]

_COMPARE = re.compile(r"(?<![<>=!\-+*/%&|^~:])\s(<=|>=|==|!=|<|>)\s")
_CALL2 = re.compile(r"(?<![\w])([\w.]+)\(([\w.\[\]'\" ]+), ([\w.\[\]'\" ]+)([,)])")
_LAST_ARG = re.compile(r"([\w.]+)\(([^()]*?(?:\([^()]*\))?[^()]*?), ((?:(\w+)=)?[\w.\[\]'\"-]+)\)")
_MID_KW = re.compile(r"(?<=, )(\w+)=([\w.\[\]'\"-]+), |(?<=\()(\w+)=([\w.\[\]'\"-]+), ")
_NUMBER = re.compile(r"(?<![\w.])(\d{1,5})(?![\w.])")
_NAME = re.compile(r"(?<![\w.])([A-Za-z_]\w*)(?!\s*(?:\(|=[^=])|\w|['\"])")
_ATTRIBUTE = re.compile(r"(?<=[\w\])])\.([A-Za-z_]\w*)(\(?)")
_CONVERT = re.compile(r"\b(str|int|float|list|tuple|set|sorted|bool|bytes|dict|abs|reversed|iter|frozenset|repr|len|round)\(([\w.]+(?:\([\w., ]*\))?(?:\[[\w.]+\])?)\)")
_TIDY_CALL = re.compile(r"\.(strip|lstrip|rstrip|lower|upper|copy|encode|decode|items|values|keys|flatten|ravel|title|casefold)\(((?:['\"][\w\- ]{0,9}['\"])?)\)")
_CLAUSE = re.compile(r"^(\s*(?:if|elif|while|return|assert) (?:not )?)(.+?) (and|or) (.+?)(:?)$")
_SLICE = re.compile(r"\[([\w.()+\- ]*):([\w.()+\- ]*)\]")
_RANGE = re.compile(r"\brange\(([^(),]+(?:\([^()]*\))?)(?:, ([^(),]+(?:\([^()]*\))?))?\)")
_TERNARY = re.compile(r"(?:(?<=[=(,] )|(?<=return ))([\w.\[\]'\"()]+) if (.+?) else ([\w.\[\]'\"()]+)$")
_BINARY = re.compile(r"(?<![\w.\])])([\w.]+(?:\[[\w.]+\])?) ([-/%]|//) ([\w.]+(?:\[[\w.]+\])?)(?![\w.(\[])")
_KEY = re.compile(r"(?<=\[)(['\"])([\w\-]+)\1(?=\])|(?<=get\()(['\"])([\w\-]+)\3")
_EXCEPTIONS = ("ValueError", "TypeError", "KeyError", "AttributeError", "IndexError", "RuntimeError", "OSError", "NotImplementedError", "ImportError", "LookupError")
_OPPOSITE = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "!=", "!=": "=="}
_EDGE = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_METHODS = dict(p for a, b in (
    ("append", "extend"), ("keys", "values"), ("items", "keys"), ("startswith", "endswith"), ("lstrip", "rstrip"), ("lower", "upper"), ("find", "rfind"),
    ("index", "find"), ("update", "setdefault"), ("add", "discard"), ("split", "rsplit"), ("isfile", "isdir"), ("exists", "isfile"), ("read", "readline"),
    ("get", "pop"), ("union", "intersection"), ("min", "max"), ("any", "all"), ("first", "last"), ("floor", "ceil"), ("start", "stop"), ("acquire", "release"),
    ("partition", "rpartition"), ("pop", "get"), ("encode", "decode"), ("dirname", "basename"), ("warning", "error"), ("push", "pop"), ("enter", "exit"),
    ("sum", "max"), ("argmin", "argmax"), ("zeros", "ones"), ("match", "search"), ("search", "match"), ("fullmatch", "match"), ("group", "groups"),
) for p in ((a, b), (b, a)))
_ARITHMETIC = {" + ": " - ", " - ": " + ", " * ": " + ", " / ": " * ", " // ": " / ", " % ": " // ", " += ": " -= ", " -= ": " += ", " & ": " | ",
               " | ": " & ", " << ": " >> ", " >> ": " << ", " ** ": " * ", " *= ": " += ", " |= ": " = ", " &= ": " |= "}


def comparisons(line: str, code: str) -> Iterator[Found]:
    """Boundaries, opposite comparisons, is/in and their negations, and/or, not."""
    for m in _COMPARE.finditer(code):
        sign, left, right = m[1], code[:m.start()].split(" ")[-1].strip("("), code[m.end():].split(" ")[0].strip("():")
        facts = dict(left=left, right=right, old=sign)
        def put(new: str) -> str:
            return line[:m.start(1)] + new + line[m.end(1):]
        if sign in _EDGE:
            yield "boundary", put(_EDGE[sign]), {**facts, "effect": "wide" if len(sign) == 1 else "narrow"}
        yield "comparison", put(_OPPOSITE[sign]), facts
    for old, new in ((" is not None", " is None"), (" is None", " is not None"), (" is not ", " is "), (" not in ", " in "), (" in ", " not in ")):
        at = code.find(old)
        if at >= 0 and not re.search(r"\bfor\b", code[:at]):
            yield "comparison", line[:at] + new + line[at + len(old):], dict(left=code[:at].split(" ")[-1].strip("("), right=code[at + len(old):].split(" ")[0].strip("():"), old=old.strip())
            break
    for old, new in ((" and ", " or "), (" or ", " and ")):
        for m in re.finditer(old, code):
            yield "boolean", line[:m.start()] + new + line[m.end():], dict(old=old.strip())
    m = re.search(r"(?<!is )\bnot (?!in\b)", code)
    if m:
        yield "negation", line[:m.start()] + line[m.end():], dict(left=code[m.end():].split(" ")[0].strip("():"))
    m = re.match(r"(\s*(?:if|elif|while|return) )([\w.]+(?:\([\w., ]*\))?)(:?)$", code.rstrip())
    if m and (m[3] or m[1].strip() != "return") and m[2] not in KEYWORDS:
        yield "negation", m[1] + "not " + line[m.end(1):], dict(left=m[2])
    m = _CLAUSE.match(code.rstrip())
    if m and m[2].count("(") == m[2].count(")") and m[4].count("(") == m[4].count(")"):
        for keep, lost in ((m.span(2), m.span(4)), (m.span(4), m.span(2))):
            yield "clause", line[:m.end(1)] + line[keep[0]:keep[1]] + line[m.end(4):], dict(lost=line[lost[0]:lost[1]], joint=m[3])


def constants(line: str, code: str) -> Iterator[Found]:
    """Numbers, True/False, indexes, slices and ranges."""
    for m in _NUMBER.finditer(code):
        value, indexed = int(m[1]), code[m.start() - 1:m.start()] == "[" and code[m.end():m.end() + 1] == "]"
        choices = [value + 1, value - 1] if value > 1 else [1 - value, value + 1]
        for new in choices:
            yield "index" if indexed else "constant", line[:m.start()] + str(new) + line[m.end():], dict(old=m[1], new=str(new))
        if indexed and value == 0:
            yield "index", line[:m.start()] + "-1" + line[m.end():], dict(old="0", new="-1")
    for m in re.finditer(r"\[-1\]", code):
        yield "index", line[:m.start()] + "[0]" + line[m.end():], dict(old="-1", new="0")
    for m in re.finditer(r"\b(True|False)\b", code):
        new = "False" if m[1] == "True" else "True"
        keyword = re.search(r"(\w+)\s*=\s*$", code[:m.start()])
        yield "constant", line[:m.start()] + new + line[m.end():], dict(old=m[1], new=new, arg=keyword[1] if keyword else "")
    for m in _SLICE.finditer(code):
        low, high = m[1].strip(), m[2].strip()
        if low and code[m.start() - 1:m.start()].strip():
            yield "slice", line[:m.start(1)] + line[m.end(1):], dict(effect="wide")
            if re.match(r"[\w.]+$", low):
                yield "slice", line[:m.end(1)] + " + 1" + line[m.end(1):] if not low.isdigit() else line[:m.start(1)] + str(int(low) + 1) + line[m.end(1):], dict(effect="first")
        if high and code[m.start() - 1:m.start()].strip():
            yield "slice", line[:m.start(2)] + line[m.end(2):], dict(effect="wide")
            if re.match(r"[\w.]+$", high):
                yield "slice", line[:m.end(2)] + " - 1" + line[m.end(2):], dict(effect="last")
    for m in _RANGE.finditer(code):
        end = m.end(2) if m[2] else m.end(1)
        yield "range", line[:end] + " - 1" + line[end:], dict(effect="last")
        yield "range", line[:end] + " + 1" + line[end:], dict(effect="wide")
        if not m[2]:
            yield "range", line[:m.start(1)] + "1, " + line[m.start(1):], dict(effect="first")
    for old, effect in ((" + 1", "narrow"), (" - 1", "wide")):
        at = code.find(old)
        if at >= 0 and not code[at + 4:at + 5].isalnum():
            yield "off by one", line[:at] + line[at + 4:], dict(effect=effect)
            yield "off by one", line[:at] + old.replace("1", "2") + line[at + 4:], dict(effect=effect)


def operators(line: str, code: str) -> Iterator[Found]:
    """Arithmetic, augmented assignment, operands, conditional expressions."""
    target = re.match(r"\s*([\w.]+(?:\[[^\]]*\])?) [-+*/|&]?= ", code)
    facts = dict(left=target[1] if target else "")
    if re.match(r"\s*(async def|def)\b|\s*\w+: ", code):     # annotations
        return
    for old, new in _ARITHMETIC.items():
        at = code.find(old)
        if at > 0:
            yield "arithmetic", line[:at] + new + line[at + len(old):], dict(facts, old=old.strip(), new=new.strip())
    for old in (" += ", " -= "):
        at = code.find(old)
        if at > 0:
            yield "accumulate", line[:at] + " = " + line[at + len(old):], facts
    for m in _BINARY.finditer(code):
        if m[1] != m[3]:
            yield "operands", line[:m.start(1)] + m[3] + line[m.end(1):m.start(3)] + m[1] + line[m.end(3):], facts
    m = _TERNARY.search(code.rstrip())
    if m and m[1] != m[3]:
        yield "ternary", line[:m.start(1)] + line[m.start(3):m.end(3)] + line[m.end(1):m.start(3)] + line[m.start(1):m.end(1)] + line[m.end(3):], dict(facts, condition=line[m.start(2):m.end(2)])


def arguments(line: str, code: str) -> Iterator[Found]:
    """Swapped, dropped and replaced arguments; defaults."""
    defines = re.match(r"\s*(async def|def|class)\b", code) is not None
    for m in _CALL2.finditer(code):
        if m[2] != m[3] and m[1] not in KEYWORDS and not defines and "=" not in m[2] + m[3] and m[1] not in ("isinstance", "hasattr", "getattr", "setattr", "super", "issubclass"):
            a, b = line[m.start(2):m.end(2)], line[m.start(3):m.end(3)]
            if a != b:
                yield "swapped arguments", line[:m.start(2)] + b + ", " + a + line[m.end(3):], dict(callee=m[1], arg=a)
    if not defines:
        for m in _LAST_ARG.finditer(code):
            if m[1] in KEYWORDS or m[1] in ("isinstance", "hasattr", "setattr", "issubclass"):
                continue
            text = line[m.start(3):m.end(3)]
            kind = "default lookup" if m[1].endswith(".get") or m[1] in ("getattr", "next") else "dropped argument"
            yield kind, line[:m.end(2)] + line[m.end(3):], dict(callee=m[1], arg=m[4] or text, keyword=bool(m[4]), key=line[m.start(2):m.end(2)])
            if m[4] and m[3].partition("=")[2] not in ("None", "True", "False"):
                yield "argument value", line[:m.start(3)] + m[4] + "=None" + line[m.end(3):], dict(callee=m[1], arg=m[4])
        for m in _MID_KW.finditer(code):
            if re.search(r"\(", code[:m.start()]):
                yield "dropped argument", line[:m.start()] + line[m.end():], dict(callee=code[:m.start()].rpartition("(")[0].split(" ")[-1].split("(")[-1], arg=m[1] or m[3], keyword=True)
        m = re.search(r"(\w+)\.get\((['\"]\w+['\"]|\w+)\)", line)
        if m and code[m.start():m.start() + 3] == line[m.start():m.start() + 3]:
            yield "default lookup", line[:m.start()] + f"{m[1]}[{m[2]}]" + line[m.end():], dict(callee=m[1] + ".get", arg="", key=m[2])
    else:
        for m in re.finditer(r"\b(\w+)(: [\w.\[\]| ]+ )?( ?= ?)(None|True|False|\d+)(?=[,)])", code):
            new = {"None": "False", "True": "False", "False": "True"}.get(m[4]) or str(int(m[4]) + 1)
            yield "default value", line[:m.start(4)] + new + line[m.end(4):], dict(arg=m[1], old=m[4], new=new)
            if m[4] == "None":
                yield "default value", line[:m.start(4)] + "[]" + line[m.end(4):], dict(arg=m[1], old="None", new="[]")


def names(line: str, code: str, known: list[str], attributes: list[str], keys: list[str], rng: Random) -> Iterator[Found]:
    """Another variable, attribute, method, key; a misspelling."""
    defines = re.match(r"\s*(async def|def|class|import|from)\b", code) is not None
    used = [m for m in _NAME.finditer(code) if m[1] in known and not re.match(r":|\[", code[m.end():]) and not re.search(r"(->|: )[\w\[\], |.]*$", code[:m.start()])]
    if used and not defines:
        for m in rng.sample(used, min(2, len(used))):
            others = [name for name in known if name != m[1] and not re.search(rf"\b{re.escape(name)}\b", code[:m.start()].partition("=")[0])]
            close = [name for name in others if name[:1] == m[1][:1] or name.split("_")[-1] == m[1].split("_")[-1]]
            if others:
                new = rng.choice(close if close and rng.random() < 0.6 else others)
                yield "wrong variable", line[:m.start()] + new + line[m.end():], dict(old=m[1], new=new)
    found = [] if defines else list(_ATTRIBUTE.finditer(code))
    if found:
        m = rng.choice(found)
        if m[1] in _METHODS:
            yield "wrong method", line[:m.start(1)] + _METHODS[m[1]] + line[m.end(1):], dict(old=m[1], new=_METHODS[m[1]])
        others = [name for name in attributes if name != m[1]]
        close = [name for name in others if name.strip("_")[:2] == m[1].strip("_")[:2] or name.split("_")[-1] == m[1].split("_")[-1]]
        if others and not m[2]:
            new = rng.choice(close or others)
            yield "wrong attribute", line[:m.start(1)] + new + line[m.end(1):], dict(old=m[1], new=new)
        if len(m[1]) > 4:
            at = rng.randrange(1, len(m[1]) - 2)
            new = m[1][:at] + m[1][at + 1] + m[1][at] + m[1][at + 2:]
            yield "misspelt name", line[:m.start(1)] + new + line[m.end(1):], dict(old=m[1], new=new)
    for m in re.finditer(r"(?<!\.)\b(min|max|any|all)\(", code):
        yield "wrong method", line[:m.start(1)] + _METHODS[m[1]] + line[m.end(1):], dict(old=m[1], new=_METHODS[m[1]])
    m = re.search(r"(?<![\w.])self\.(\w+)(?![\w(])", code)
    if m and not defines:
        yield "lost self", line[:m.start()] + m[1] + line[m.end():], dict(old=m[1], assigned=bool(re.match(r"\s*=[^=]", code[m.end():])))
    for m in _KEY.finditer(line):
        old = m[2] or m[4]
        others = [key for key in keys if key != old]
        if others and code[m.start():m.start() + 1] in "\"'":
            new = rng.choice(others)
            start = m.start(2) if m[2] else m.start(4)
            yield "wrong key", line[:start] + new + line[start + len(old):], dict(old=old, new=new)


def conversions(line: str, code: str) -> Iterator[Found]:
    """Calls left out: conversions, copies, strip and the like, await, return, yield."""
    for m in _CONVERT.finditer(code):
        if not re.match(r"\s*(def|class)\b", code):
            yield "conversion", line[:m.start()] + line[m.start(2):m.end(2)] + line[m.end():], dict(callee=m[1], value=line[m.start(2):m.end(2)])
    for m in _TIDY_CALL.finditer(code):
        yield "conversion", line[:m.start()] + line[m.end():], dict(callee=m[1], value=code[:m.start()].split(" ")[-1].split("(")[-1])
    at = code.find("await ")
    if at >= 0:
        yield "await", line[:at] + line[at + 6:], dict(callee=code[at + 6:].partition("(")[0])
    m = re.match(r"(\s*)return (?=[\w.]+\()(.+)$", line)
    if m:
        yield "lost return", m[1] + m[2], dict(value=m[2])
    m = re.match(r"(\s*)return (?!None\b|True\b|False\b)([\w.]+)\s*$", line)
    if m:
        yield "lost return", m[1] + "return", dict(value=m[2])
    m = re.match(r"(\s*)return (.+?) (?:or|and|\+|-|\*) (.+)$", code.rstrip())
    if m and m[2].count("(") == m[2].count(")") and m[2].count("[") == m[2].count("]"):
        yield "partial result", m[1] + "return " + line[m.start(2):m.end(2)], dict(value=line[m.start(3):m.end(3)])
    m = re.match(r"(\s*)yield (.+)$", line)
    if m and not m[2].startswith("from"):
        yield "lost return", m[1] + "return " + m[2], dict(value=m[2], generator=True)


def exceptions(line: str, code: str, rng: Random) -> Iterator[Found]:
    """Another exception, an exception left out of a tuple."""
    m = re.match(r"\s*(except|raise) \(?(\w+(?:Error|Exception|Interrupt|Iteration|NotFound|Exit))\b", code)
    if m:
        others = [name for name in _EXCEPTIONS if name != m[2]]
        new = rng.choice(others)
        yield f"wrong {m[1]}", line[:m.start(2)] + new + line[m.end(2):], dict(old=m[2], new=new)
    m = re.match(r"(\s*except )\(([\w., ]+)\)(.*)$", line)
    if m:
        members = [name.strip() for name in m[2].split(",") if name.strip()]
        if len(members) > 1:
            lost = rng.randrange(len(members))
            rest = members[:lost] + members[lost + 1:]
            kept = rest[0] if len(rest) == 1 else "(" + ", ".join(rest) + ")"
            yield "wrong except", m[1] + kept + m[3], dict(old=members[lost], new=rest[0])
    m = re.search(r"isinstance\((\w[\w.]*), \(([\w., ]+)\)\)", code)
    if m:
        members = [name.strip() for name in m[2].split(",") if name.strip()]
        if len(members) > 1:
            lost = rng.randrange(len(members))
            rest = members[:lost] + members[lost + 1:]
            kept = rest[0] if len(rest) == 1 else "(" + ", ".join(rest) + ")"
            yield "narrow type", line[:m.start(2) - 1] + kept + line[m.end(2) + 1:], dict(old=members[lost], left=m[1])
    m = re.match(r"(\s*)(break|continue)$", code.rstrip())
    if m:
        new = "continue" if m[2] == "break" else "break"
        yield "loop control", m[1] + new, dict(old=m[2], new=new)
