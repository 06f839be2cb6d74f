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
_BLANK_STRING = re.compile(
    r'[rRbBuUfF]{0,2}(?:"""(?:\\.|[^\\])*?"""|\'\'\'(?:\\.|[^\\])*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')')
_ONLY_STRING = re.compile(r"\s*(?:%s\s*)+[,)\]}:;]*\s*(?:#.*)?$" % _BLANK_STRING.pattern)


def _begins_inside(lines: list[str]) -> str:
    """The quote that is open where the lines begin, or '' – judged by the first triple quote."""
    for index, line in enumerate(lines):
        found = _TRIPLE.search(line)
        if not found or line.lstrip().startswith("#"):
            continue
        quote = found[0]
        before, after = line[: found.start()].rstrip(), line[found.end():].strip()
        if line.count(quote) % 2 == 0:
            if before == "" or before[-1] in "=(,[:%+" or before[-1] in "rRuUbBfF":
                return ""
            continue
        if before and before.strip() not in {"r", "u", "b", "f", "R"}:
            opens = before[-1] in "=(,[{:%+" or before.endswith(("return", "print", " in", "yield")) or bool(
                re.search(r"[=(,\[{]\s*[rRuUbBfF]{1,2}$", before))
            return "" if opens else quote
        if after and after[0] not in ").,%]}":
            return ""
        above = next((lines[i].split("  #")[0].rstrip() for i in range(index - 1, -1, -1) if lines[i].strip()), "")
        if above.endswith((":", "(", "=", ",", "[", "{", "\\")) or index == 0 and not after and len(lines) > 1 and \
                lines[1].strip() and not re.match(r"\s*(def|class|import|from|if|return|self\.|@|\w+ = )", lines[1]):
            return "" if not above.rstrip().endswith(",") or "(" in above or "=" in above else quote
        return quote if index else ""
    return ""


def kinds(lines: list[str]) -> list[int]:
    """The kind of each line: CODE, DOC, DATA or COMMENT. Blank lines outside strings are CODE."""
    out: list[int] = []
    open_quote = _begins_inside(lines)
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


def tokens(text: str) -> list[tuple[str, str]]:
    """(kind, text) of all tokens, white space included: their texts joined are the text."""
    return [(m.lastgroup, m[0]) for m in _TOKEN.finditer(text)]


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
