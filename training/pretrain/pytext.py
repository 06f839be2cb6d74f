"""Robust reading of fragments of Python: which lines are code, what their tokens are.

A window may begin inside a docstring and may not parse, so nothing here relies on `tokenize` or `ast`.
"""
import re
from itertools import count

CODE, DOC, DATA, COMMENT = 0, 1, 2, 3   # code; docstring; later lines of a string that is data; comment

_TRIPLE = re.compile(r'"""|\'\'\'')
_OPENS_DOC = re.compile(r'\s*[rRuUbBfF]{0,2}("""|\'\'\')')
_TOKEN = re.compile(
    r'(?P<string>[rRbBuUfF]{0,2}(?:"""(?:\\.|[^\\])*?(?:"""|\Z)|\'\'\'(?:\\.|[^\\])*?(?:\'\'\'|\Z)'
    r'|"(?:\\.|[^"\\\n])*(?:"|(?=\n)|\Z)|\'(?:\\.|[^\'\\\n])*(?:\'|(?=\n)|\Z)))'
    r"|(?P<comment>#[^\n]*)|(?P<number>\d[\w.]*)|(?P<name>\w+)|(?P<newline>\n)|(?P<space>\\\n|[ \t\r\f\\]+)"
    r"|(?P<op>\*\*=?|//=?|>>=?|<<=?|[-+*/%&|^@=!<>]=|->|:=|\.\.\.|[^\w\s])|(?P<other>.)", re.S)
_CODE_LOOK = re.compile(
    r"\s*(?:(?:async )?def \w+\(|class \w+|return\b|if .+:$|elif .+:$|else:|for .+ in .+:$|while .+:$|try:|except\b|finally:|with .+:$|import \w|from [\w.]+ import|raise \w"
    r"|@\w|self\.\w|assert |yield\b|pass$|continue$|break$|[\w.]+(?:\[[^\]]*\])?(?:, [\w.]+)* [-+*/|]?= |[\w.]+\(.*[(),]$|[)\]}]+[:,]?$|[\w.]+=.+,$)")
_PROSE_LOOK = re.compile(r"\s*(?:[-*:`\"'.(]*[A-Za-z][\w`'\"*-]*[,.;:)]* ){3,}[A-Za-z`(]|\s*(?::\w+|-{4,}|={4,}|>>> |\.\. \w|\w+ : \w|Parameters$|Returns:?$|Args:$|Examples?:?$|Notes$|See Also$|Raises:?$)")
_BLANK_STRING = re.compile(
    r'[rRbBuUfF]{0,2}(?:"""(?:\\.|[^\\])*?"""|\'\'\'(?:\\.|[^\\])*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')')
_ONLY_STRING = re.compile(r"\s*(?:%s\s*)+[,)\]}:;]*\s*(?:#.*)?$" % _BLANK_STRING.pattern)


def _kinds_from(lines: list[str], open_quote: str) -> list[int]:
    """The kinds of lines that begin inside a string with this quote ('' outside)."""
    out: list[int] = []
    inside = DOC
    for line in lines:
        if not open_quote:
            if line.lstrip().startswith("#"):
                out.append(COMMENT)
                continue
            if '"""' not in line and "'''" not in line:
                out.append(CODE)
                continue
        kind = inside if open_quote else DOC if _OPENS_DOC.match(line) else CODE
        position, was_open, tail = 0, bool(open_quote), ""
        for _ in count():
            if open_quote:
                end = line.find(open_quote, position)
                if end < 0:
                    break
                position, open_quote = end + 3, ""
                tail = line[position:].strip()
            else:
                found = _TRIPLE.search(line, position)
                if not found or "#" in _BLANK_STRING.sub("", line[position:found.start()]):
                    break
                if not was_open:
                    inside = DOC if kind == DOC else DATA
                open_quote, position = found[0], found.end()
        if kind == DOC and not was_open and not open_quote and tail[:1] not in ("", "#"):
            kind = CODE        # """text""".join(…) and the like
        out.append(kind)
    return out


def _score(lines: list[str], which: list[int]) -> float:
    """How well the kinds fit the looks of the lines."""
    total = 0.0
    for line, kind in zip(lines, which):
        if kind == CODE and line.strip():
            total += 1 if _CODE_LOOK.match(line) else -1.5 if _PROSE_LOOK.match(line) else 0
        elif kind == DOC:
            total += 1.5 if _PROSE_LOOK.match(line) else -0.7 if _CODE_LOOK.match(line) else 0
    return total


def kinds(lines: list[str]) -> list[int]:
    """The kind of each line: CODE, DOC, DATA or COMMENT. Blank lines outside strings are CODE."""
    best = _kinds_from(lines, "")
    score = _score(lines, best) + 0.5
    text = "\n".join(lines)
    for quote in [quote for quote in ('"""', "'''") if quote in text] or ['"""']:
        if quote not in text and score > 0.6:
            continue
        other = _kinds_from(lines, quote)
        value = _score(lines, other)
        if value > score:
            best, score = other, value
    return best


def _plain_string(text: str) -> str:
    """A string literal without its style: quotes and the u prefix do not count."""
    body = text.lstrip("rRbBuUfF")
    prefix = text[: len(text) - len(body)].lower().replace("u", "")
    width = 3 if body[:3] in ('"""', "'''") else 1
    return prefix + '"' + body[width:-width].replace("\\'", "'").replace('\\"', '"')


def meaning(lines: list[str], which: list[int]) -> list:
    """What a run of lines says apart from layout, comments and docstrings: tokens and indentations."""
    out: list = []
    depth, fresh, width = 0, True, 0
    text = "\n".join(line for line, kind in zip(lines, which) if kind in (CODE, DATA) and line.strip())
    for found in _TOKEN.finditer(text):
        kind, token = found.lastgroup, found[0]
        if kind == "newline":
            fresh, width = depth <= 0, 0
        elif kind == "space":
            width = len(token.expandtabs()) if fresh else width
        elif kind != "comment":
            if fresh:
                out.append(width)
                fresh = False
            if token in "([{":
                depth += 1
            elif token in ")]}":
                depth -= 1
                if out and out[-1] == ",":
                    out.pop()
            out.append(_plain_string(token) if kind == "string" else token)
    return out


def blank_strings(line: str) -> str:
    """The line with the insides of its string literals replaced by spaces (same length), comments cut."""
    line = _BLANK_STRING.sub(lambda m: m[0][0] + " " * (len(m[0]) - 2) + m[0][-1], line)
    cut = line.find("#")
    return line if cut < 0 else line[:cut]


def only_string(line: str) -> bool:
    """Whether a line holds nothing but string literals."""
    return _ONLY_STRING.match(line) is not None


def indent(line: str) -> int:
    """Columns of leading white space."""
    line = line.expandtabs() if "\t" in line else line
    return len(line) - len(line.lstrip())
