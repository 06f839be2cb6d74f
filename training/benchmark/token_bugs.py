"""Bugs of one token, for solutions of one line that offer too few ways to break them otherwise."""
import ast
import io
import tokenize
from collections.abc import Iterator

_OPERATORS = {"+": "-", "-": "+", "*": "+", "/": "//", "//": "/", "%": "//", "**": "*", "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
_NAMES = {"and": "or", "or": "and", "True": "False", "False": "True", "min": "max", "max": "min", "any": "all", "all": "any",
          "len": "sum", "sum": "len", "upper": "lower", "lower": "upper", "sorted": "list", "set": "list", "abs": "int"}
Edit = tuple[int, int, list[str]]


def token_bugs(lines: list[str], name: str) -> Iterator[tuple[str, list[str], list[Edit]]]:
    """(kind, broken lines, edits that repair them) for each token in the function's body that can be exchanged; only what parses."""
    source = "\n".join(lines) + "\n"
    function = next(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef) and node.name == name)
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    parameters = {argument.arg for argument in function.args.args}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        row, column = token.start
        if not body or row < body[0].lineno or row != token.end[0] or row > len(lines):
            continue
        line = lines[row - 1]
        for kind, text in _exchanges(token, parameters):
            broken = [*lines[:row - 1], line[:column] + text + line[token.end[1]:], *lines[row:]]
            try:
                ast.parse("\n".join(broken))
            except SyntaxError:
                continue
            yield kind, broken, [(row - 1, row, [line])]


def _exchanges(token: tokenize.TokenInfo, parameters: set[str]) -> list[tuple[str, str]]:
    text = token.string
    if token.type == tokenize.NUMBER and text.isdigit():
        return [("token number", str(int(text) + 1))]
    if token.type == tokenize.OP and text in _OPERATORS:
        return [("token operator", _OPERATORS[text])]
    if token.type == tokenize.STRING and text[0] in "'\"" and text[:3] not in ("'''", '"""'):
        return [("token string", f"{text[0]} {text[1:]}")]
    if token.type == tokenize.NAME and text in _NAMES:
        return [("token name", _NAMES[text])]
    # Most parameters that stand alone are sequences or numbers; what fits neither fails its tests all the same.
    if token.type == tokenize.NAME and text in parameters:
        return [("token slice", f"{text}[1:]"), ("token slice", f"{text}[:-1]"), ("token shift", f"({text} + 1)")]
    return []
