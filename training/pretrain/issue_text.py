"""Writes an issue for an injected bug: title and, mostly, a body in one of several registers."""
import re
from collections.abc import Iterator
from itertools import islice
from random import Random

from inject import Injection
from issue_templates import CLOSINGS, DIRECT, EDGE, OPENINGS, TITLES, VAGUE
from pytext import DOC, kinds
from recipe import Recipe

MAX_DOCUMENTATION = 400
_SECTION = re.compile(r"(Parameters|Args|Arguments|Returns|Raises|Yields|Examples?|Notes?):?$")
_FIELD = re.compile(r"\{(\w+)\}")
_ERRORS = {
    "wrong variable": ["TypeError: unsupported operand type(s)", "NameError: name '{new}' is not defined", "TypeError: '{new}' has the wrong type"],
    "wrong attribute": ["AttributeError: '{c}' object has no attribute '{new}'"], "misspelt name": ["AttributeError: '{c}' object has no attribute '{new}'"],
    "lost self": ["NameError: name '{old}' is not defined"], "wrong method": ["AttributeError: object has no attribute '{new}'", "TypeError: unhashable type: 'list'"],
    "wrong key": ["KeyError: '{new}'"], "dropped argument": ["TypeError: {callee}() missing 1 required positional argument: '{arg}'"],
    "swapped arguments": ["TypeError: {callee}() got an unexpected type for argument 1"], "default lookup": ["KeyError: {key}"],
    "conversion": ["TypeError: can only concatenate str (not \"int\") to str", "TypeError: expected str, bytes or os.PathLike object, not int", "AttributeError: 'str' object has no attribute 'decode'"],
    "await": ["RuntimeWarning: coroutine '{callee}' was never awaited", "TypeError: object of type 'coroutine' has no len()"], "lost return": ["TypeError: 'NoneType' object is not iterable", "AttributeError: 'NoneType' object has no attribute 'get'"],
    "wrong except": ["{old}: no such item"], "missing try": ["{error}: unexpected input"], "missing guard": ["AttributeError: 'NoneType' object has no attribute '{name}'", "TypeError: 'NoneType' object is not subscriptable", "ZeroDivisionError: division by zero", "IndexError: list index out of range"],
    "removed statement": ["UnboundLocalError: cannot access local variable '{target}' where it is not associated with a value", "AttributeError: '{c}' object has no attribute '{target}'"],
    "swapped lines": ["UnboundLocalError: local variable '{target}' referenced before assignment"], "index": ["IndexError: list index out of range"], "range": ["IndexError: list index out of range"], "off by one": ["IndexError: index out of range"],
    "arithmetic": ["TypeError: unsupported operand type(s) for {new}: 'str' and 'str'"],
}
_VALUES = ["0", "1", "2", "3", "5", "10", "None", "[]", "[1, 2, 3]", "'abc'", "''", "{}", "{'a': 1}", "True", "False", "'x'", "-1", "1.5", "(1, 2)", "[1]", "b'abc'", "['a', 'b']", "'foo/bar'", "100"]


def _fill(template: str, fields: dict[str, str]) -> str | None:
    """The template with its fields, or None if one is unknown or long."""
    if any(not 0 < len(fields.get(name, "")) <= 60 for name in _FIELD.findall(template)):
        return None
    return _FIELD.sub(lambda m: fields[m[1]], template)


def _docstring(lines: list[str], function: str) -> Iterator[tuple[str, str, int]]:
    """(line, line without quotes, kind) from where a function's docstring begins to the last line that is shown; nothing without one."""
    start = next((i for i, line in enumerate(lines) if function and re.match(rf"\s*(async )?(def|class) {re.escape(function)}\b", line)), None)
    if start is None:
        return
    which = kinds(lines)
    first = next((i for i in range(start + 1, min(start + 14, len(lines))) if which[i] == DOC), len(lines))
    for line, kind in zip(lines[first:], which[first:]):
        yield line, re.sub(r"^[rR]?(\"\"\"|''')|(\"\"\"|''')$", "", line.strip()).strip(), kind


def doc_sentence(lines: list[str], function: str) -> str:
    """The first sentence of a function's docstring, as far as the lines show it."""
    text = []
    for line, bare, _ in islice(_docstring(lines, function), 5):
        if not bare and text or bare.startswith((":", "Parameters", "Args", ">>>", "--", "Returns")):
            break
        text.append(bare)
        if line.count('"""') + line.count("'''") > (1 if not text[1:] else 0) or bare.endswith("."):
            break
    sentence = re.split(r"(?<=[.!?])\s", " ".join(part for part in text if part))[0].rstrip(".").strip()
    return sentence if 10 < len(sentence) < 140 else ""


def fields_of(bug: Injection, path: str, sentence: str, rng: Random) -> dict[str, str]:
    """What the templates may say about a bug."""
    fields = {name: str(value) for name, value in bug.facts.items() if isinstance(value, str)}
    module = path.removesuffix("/__init__.py").rpartition("/")[2].removesuffix(".py")
    plain = bug.function or module
    name = plain
    if bug.function:
        style = rng.random()
        name = f"{bug.owner}.{plain}" if bug.owner and style < (0.8 if plain.startswith("__") else 0.3) and bug.owner != plain else plain
        name = f"`{name}`" if rng.random() < 0.25 else f"{name}()" if rng.random() < 0.25 and not plain[:1].isupper() else name
    condition = fields.get("condition", "")
    words = [word for word in re.findall(r"[A-Za-z_]\w+", re.sub(r"['\"].*?['\"]", "", condition)) if word not in ("not", "is", "None", "in", "and", "or", "isinstance", "len", "self", "True", "False", "if", "hasattr")]
    fields.update(f=name, plain=plain, c=bug.owner or module, name=words[0] if words else "", py=f"3.{rng.randint(7, 13)}", ver=f"{rng.randint(0, 5)}.{rng.randint(0, 20)}.{rng.randint(0, 9)}")
    body = fields.get("body", "")
    act = re.match(r"(raise (\w+)|return (.{1,30})$|continue$)", body)
    if act:
        fields["act"] = f"raise {act[2]} when `{condition}`" if act[2] else f"return {act[3]} when `{condition}`" if act[3] else f"skip the case `{condition}`"
    if bug.kind in ("negation", "comparison") and not fields.get("condition"):
        fields["condition"] = fields.get("left", "") and f"{fields['left']} {fields.get('old', '')} {fields.get('right', '')}".strip().replace('"', "")
    for key in ("left", "right", "callee", "value", "target", "arg", "lost", "key"):
        fields[key] = fields.get(key, "").strip().strip("`").removeprefix("self.") if fields.get(key, "").strip(" .\"'()[]") else ""
    verb = re.match(r"(Return|Get|Set|Create|Build|Check|Convert|Compute|Parse|Load|Find|Add|Remove|Make|Read|Write|Update|Apply|Generate|Handle|Run)(s?)\b", sentence)
    if verb:
        fields["doc"] = sentence.replace(verb[0], verb[1].lower(), 1)
    fields["sentence"] = sentence
    return fields


def make_title(bug: Injection, fields: dict[str, str], rng: Random) -> str:
    """One line naming the behaviour; at times vague, at times direct."""
    draw = rng.random()
    pool = VAGUE if draw < 0.15 else DIRECT.get(bug.kind, []) if draw < 0.22 else TITLES.get(bug.kind, VAGUE)
    pool = [text for text in pool if text[0] != "\0"] + (EDGE[fields.get("effect", "")] if any(text[0] == "\0" for text in pool) else [])
    titles = [title for template in pool if (title := _fill(template, fields))]
    titles = titles or [title for template in VAGUE if (title := _fill(template, fields))] or [f"{fields['f']} does not work"]
    title = rng.choice(titles)
    if rng.random() < 0.08:
        title = rng.choice(("[BUG] ", "Bug: ", "bug: ", f"{fields['c']}: ")) + title
    if rng.random() < 0.06:
        title = title.lower()
    return title if fields["f"][0] in "`_" or rng.random() < 0.5 else title[0].upper() + title[1:] if title.split(" ")[0] not in (fields["f"], fields["plain"]) else title


def make_body(bug: Injection, fields: dict[str, str], title: str, path: str, start_line: int, rng: Random) -> str:
    """Paragraphs in a random choice and order; may be empty."""
    if rng.random() < 0.3:
        return ""
    parts: list[str] = []
    plain, call = fields["plain"], f"{fields['plain']}({', '.join(rng.sample(_VALUES, rng.choice((0, 1, 1, 2))))})"
    if rng.random() < 0.4:
        parts.append(rng.choice(OPENINGS))
    other = [text for template in TITLES.get(bug.kind, []) if template[0] != "\0" and (text := _fill(template, fields)) and text != title]
    if other and rng.random() < 0.45:
        parts.append(rng.choice(other).rstrip(".") + ".")
    if fields["sentence"] and rng.random() < 0.45:
        parts.append(rng.choice(("It should do this: {s}.", "The docstring says: \"{s}.\"", "Documented as: {s}", "According to the docs: {s}.", "{s} - but this is not what happens.")).format(s=fields["sentence"]))
    draw = rng.random()
    errors = [text for template in _ERRORS.get(bug.kind, []) if (text := _fill(template, fields))]
    if errors and draw < 0.4:
        line = bug.lines[min(bug.edits[0][0], len(bug.lines) - 1)].strip()
        number = start_line + bug.edits[0][0]
        trace = ["Traceback (most recent call last):"]
        if rng.random() < 0.5:
            trace += [f'  File "{rng.choice(("app.py", "main.py", "test_it.py", "<stdin>", "run.py"))}", line {rng.randint(1, 90)}, in <module>', f"    {call}"]
        trace += [f'  File "{path if rng.random() < 0.6 else path.rpartition("/")[2]}", line {number}, in {plain}']
        trace += [f"    {line}"] * (rng.random() < 0.7 and bool(bug.edits[0][1] - bug.edits[0][0])) + [rng.choice(errors)]
        fence = ["```"] if rng.random() < 0.5 else []
        parts.append("\n".join([*fence, *trace, *fence]))
    elif draw < 0.62:
        expected, actual = rng.sample(_VALUES, 2)
        if bug.kind == "lost return":
            actual = "None"
        elif bug.kind == "constant" and bug.facts.get("new"):
            expected, actual = bug.facts["old"], bug.facts["new"]
        parts.append(rng.choice((
            f"Expected: {expected}\nActual: {actual}", f">>> {call}\n{actual}\n\nI expected {expected}.", f"    assert {call} == {expected}\nE   AssertionError: assert {actual} == {expected}",
            f"```python\nresult = {call}\nprint(result)  # {actual}, should be {expected}\n```", f"AssertionError: {actual} != {expected}", f"Calling `{call}` gives {actual} instead of {expected}.",
            f"FAILED tests/test_{path.rpartition('/')[2].removesuffix('.py')}.py::test_{plain.strip('_').lower()} - assert {actual} == {expected}")))
    elif draw < 0.72:
        parts.append(rng.choice((f"To reproduce:\n\n```python\n{call}\n```", f"The code is in `{path}`.", f"See {path}, {plain}.", f"Look at `{plain}` in {path.rpartition('/')[2]}.", f"1. Call {call}\n2. Look at the result")))
    if rng.random() < 0.2:
        parts.append(rng.choice(CLOSINGS))
    parts = [_FIELD.sub(lambda m: fields.get(m[1], ""), part) if part in OPENINGS or part in CLOSINGS else part for part in parts]
    return "\n\n".join(parts) if rng.random() < 0.7 else "\n".join(parts)


def documentation(lines: list[str], function: str) -> str:
    """A function's docstring up to its examples or sections, in one line, as far as the lines show it."""
    words: list[str] = []
    for _, bare, kind in _docstring(lines, function):
        if kind != DOC or bare.startswith((":", ">>>", "--", "..")) or _SECTION.match(bare):
            break
        words += bare.split()
    text = " ".join(words)
    return text if len(text) <= MAX_DOCUMENTATION else text[:MAX_DOCUMENTATION].rpartition(" ")[0] + " …"


def specified_issue(bug: Injection, fields: dict[str, str], rng: Random) -> tuple[str, str]:
    """(title, body) by somebody who knows what the function is for and has seen a call fail, and not why."""
    plain, expected, actual = fields["plain"], *rng.sample(_VALUES, 2)
    errors = [text for template in _ERRORS.get(bug.kind, []) if (text := _fill(template, fields))]
    call = f"{plain}({', '.join(rng.sample(_VALUES, rng.choice((1, 1, 2, 3))))})"
    parts = []
    if about := documentation(bug.lines, bug.function):
        parts.append(rng.choice(("Documented as: {}", "What it is for: {}", "{}", "The docstring:\n\n> {}", "It should: {}")).format(about))
    draw = rng.random()
    if draw < 0.1:
        title = rng.choice(("{} does not return", "{} hangs", "{} never ends")).format(plain)
        parts += [f"```python\n{call}\n```", rng.choice(("For some inputs it runs for ever.", "I had to kill it."))]
    elif errors and draw < 0.4:
        error = rng.choice(errors)
        title = rng.choice(("{} raises {}", "{1} in {0}", "{} fails with {}")).format(plain, error.partition(":")[0])
        parts += [f"```python\n{call}\n```", rng.choice(("It ends with {}", "Error: {}", "{}")).format(error)]
    else:
        title = rng.choice(("{} gives a wrong result", "{} returns the wrong value", "Wrong result of {}", "{} is wrong for some inputs", "Test of {} fails")).format(plain)
        claim = rng.choice((f"assert {call} == {expected}", f"{call} == {expected}"))
        parts += [rng.choice(("This should hold:\n\n```python\n{}\n```", "Failing test:\n\n    {}", "`{}` is not true")).format(claim),
                  rng.choice(("It gives {}", "Got {} instead.", "The left side is {}", "AssertionError: {} is wrong")).format(actual)]
    return title, "\n\n".join(parts)


def write_issue(bug: Injection, path: str, start_line: int, rng: Random, recipe: Recipe = Recipe()) -> tuple[str, str]:
    """(title, body) of an issue about a bug."""
    sentence = doc_sentence(bug.lines, bug.function)
    fields = fields_of(bug, path, sentence, rng)
    if bug.function and recipe.specified and rng.random() < recipe.specified:
        return specified_issue(bug, fields, rng)
    if rng.random() < 0.15:
        fields["f"] = rng.choice([fields["c"], path.rpartition("/")[2], "this function" if bug.function else fields["c"]])
    fields["f"], fields["c"] = fields["f"] or fields["c"] or "this module", fields["c"] or "this module"
    if not recipe.described:
        return rng.choice([text for template in VAGUE if "{doc}" not in template and (text := _fill(template, fields))] or [f"Bug in {fields['f']}"]), ""
    title = make_title(bug, fields, rng)
    return title, make_body(bug, fields, title, path, start_line, rng)
