"""Ways to break several lines of correct Python. Each finder yields (kind, first, last, broken lines, facts): lines[first:last] are replaced."""
import re
from collections.abc import Iterator

from pytext import CODE, blank_strings, indent

Block = tuple[str, int, int, list[str], dict]
_SIMPLE = re.compile(r"\s*(?!def\b|class\b|async def\b|if\b|elif\b|else\b|for\b|while\b|try\b|except\b|finally\b|with\b|import\b|from\b|@|return\b|pass\b|[)\]}])\S")
_LEAVES = re.compile(r"\s*(return|raise|continue|break|yield)\b")


def whole(line: str) -> bool:
    """Whether a line is a complete simple statement."""
    code = blank_strings(line).rstrip()
    return (bool(_SIMPLE.match(line)) and not code.endswith((":", ",", "(", "[", "{", "\\")) and '"""' not in line and "'''" not in line
            and code.count("(") == code.count(")") and code.count("[") == code.count("]") and code.count("{") == code.count("}"))


def body_end(lines: list[str], start: int) -> int:
    """Index after the last line of the block opened by line `start`."""
    width, end = indent(lines[start]), start + 1
    for index in range(start + 1, len(lines)):
        if lines[index].strip():
            if indent(lines[index]) <= width:
                break
            end = index + 1
    return end


def _dedent(lines: list[str], by: int) -> list[str]:
    return [line[by:] if line[:by].strip() == "" else line.lstrip() for line in lines]


def _assigned(line: str) -> str:
    found = re.match(r"\s*([\w.]+(?:\[[^\]]*\])?)(?:: [\w.\[\], |]+)? (?:[-+*/|&]?=) ", line)
    return found[1] if found else ""


def removals(lines: list[str], kinds: list[int], index: int) -> Iterator[Block]:
    """Removed statements, swapped neighbours, removed and inverted guards, lost branches, moved returns."""
    line = lines[index]
    code = blank_strings(line).rstrip()
    above = next((i for i in range(index - 1, -1, -1) if lines[i].strip()), None)
    following = lines[index + 1] if index + 1 < len(lines) and kinds[index + 1] == CODE else ""
    alone = above is not None and blank_strings(lines[above]).rstrip().endswith(":") and not (following.strip() and indent(following) == indent(line))
    if whole(line) and not re.match(r"\s*\w+: [\w.\[\], |]+$", code) and above is not None and not lines[above].rstrip().endswith(("(", "[", "{", ",", "\\")) and not alone:
        callee = re.match(r"\s*(?:await )?([\w.]+)\(", code)
        yield "removed statement", index, index + 1, [], dict(
            target=_assigned(code), callee=callee[1] if callee else "", raises=code.strip().startswith("raise"),
            local=bool(re.match(r"\s*\w+ = ", code)))
        if re.match(r"\s*self\.\w+ = ", code):
            yield "lost state", index, index + 1, [line.replace("self.", "", 1)], dict(target=_assigned(code))
        if whole(following) and indent(following) == indent(line) and _assigned(code) and re.search(
                rf"\b{re.escape(_assigned(code).split('.')[-1].split('[')[0])}\b", following.partition("=")[2] or following):
            yield "swapped lines", index, index + 2, [following, line], dict(target=_assigned(code) or line.strip(), later=_assigned(following) or following.strip())
        if following.strip() and whole(following) and indent(following) == indent(line) and _assigned(code):
            opener = lines[above].strip() if above is not None else ""
            if opener.startswith(("for ", "while ", "if ")) and opener.endswith(":") and indent(lines[above]) < indent(line):
                end = body_end(lines, above)
                if end == index + 2:
                    yield "left the block", index + 1, index + 2, [" " * indent(lines[above]) + following.strip()], dict(block=opener.rstrip(":"))
    if re.match(r"\s*if .+:$", code) and following.strip() and indent(following) > indent(line):
        end = body_end(lines, index)
        condition = line.strip()[3:].partition("  #")[0].rstrip().rstrip(":")
        next_line = lines[end] if end < len(lines) else ""
        chained = re.match(r"\s*(else|elif)\b", next_line) and indent(next_line) == indent(line)
        body = [text for text in lines[index + 1:end] if text.strip()]
        facts = dict(condition=condition, body=body[0].strip(), leaves=bool(_LEAVES.match(body[-1])))
        if not chained and end - index <= 5 and "TYPE_CHECKING" not in condition and above is not None:
            if facts["leaves"]:
                yield "missing guard", index, end, [], facts
            elif not blank_strings(lines[above]).rstrip().endswith(":"):
                yield "missing guard", index, end, [], facts
                yield "unguarded", index, end, _dedent(lines[index + 1:end], max(indent(following) - indent(line), 1)), facts
        if chained and re.match(r"\s*else:$", blank_strings(next_line).rstrip()):
            stop = body_end(lines, end)
            if end - index <= 4 and 1 < stop - end <= 4:
                yield "inverted branches", index + 1, stop, [*lines[end + 1:stop], next_line, *lines[index + 1:end]], facts
                yield "missing branch", end, stop, [], dict(facts, body="".join(lines[end + 1:end + 2]).strip(), otherwise=True)
    if re.match(r"\s*elif .+:$", code):
        end = body_end(lines, index)
        condition = line.strip()[5:].rstrip(":")
        yield "chained", index, index + 1, [re.sub(r"^(\s*)elif", r"\1if", line)], dict(condition=condition)
        if end - index <= 5:
            yield "missing branch", index, end, [], dict(condition=condition, body=lines[index + 1].strip() if index + 1 < len(lines) else "", otherwise=False)
    if re.match(r"\s*(return|yield)\b", code) and above is not None and indent(lines[above]) > indent(line) and not code.endswith(("(", "[", "{", ",")):
        opener = next((lines[i] for i in range(above, -1, -1) if lines[i].strip() and indent(lines[i]) == indent(line)), "")
        if re.match(r"\s*(async )?(for|while)\b", opener):
            width = min(indent(lines[i]) for i in range(above, -1, -1) if lines[i].strip() and indent(lines[i]) > indent(line) and lines.index(opener) < i) if opener in lines[:above] else 0
            if width:
                yield "early return", index, index + 1, [" " * width + line.strip()], dict(value=line.strip().partition(" ")[2])
    if re.match(r"\s*try:$", code):
        end = body_end(lines, index)
        if end < len(lines) and re.match(r"\s*except\b.*:$", blank_strings(lines[end]).rstrip()) and indent(lines[end]) == indent(line):
            stop = body_end(lines, end)
            rest = lines[stop] if stop < len(lines) else ""
            if stop - index <= 9 and not re.match(r"\s*(except|else|finally)\b", rest):
                name = re.match(r"\s*except \(?([\w.]+)", lines[end])
                yield "missing try", index, stop, _dedent(lines[index + 1:end], max(indent("".join(lines[index + 1:index + 2])) - indent(line), 1)), dict(error=name[1] if name else "Exception")
