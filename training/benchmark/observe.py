"""Runs the tests of a task in its folder, and prints as JSON how they fail; run it in the sandbox."""
import ast
import json
import re
import sys
import traceback

TESTS, MAX_STATEMENT, MAX_VALUE = "test_solution.py", 300, 120


def describe(error: BaseException, source: str) -> dict:
    """Which statement of the tests failed, with what error, and what value it got instead."""
    frames = [(frame, line) for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == TESTS]
    if not frames:
        return dict(statement="", error=f"{type(error).__name__}: {error}", got="")
    frame, line = frames[-1]
    around = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt) and node.lineno <= line <= node.end_lineno]
    statement = min(around, key=lambda node: node.end_lineno - node.lineno)
    got = ""
    text = ast.get_source_segment(source, statement)
    if isinstance(statement, ast.Assert):
        text = "assert " + ast.get_source_segment(source, statement.test)
        if isinstance(error, AssertionError):
            wanted = statement.test.left if isinstance(statement.test, ast.Compare) else statement.test
            got = repr(eval(compile(ast.Expression(wanted), TESTS, "eval"), frame.f_globals, frame.f_locals))
    name = frame.f_globals.get("ENTRY_POINT", "candidate")
    message = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
    return dict(statement=re.sub(r"\bcandidate\b", name, text)[:MAX_STATEMENT], error=message[:MAX_VALUE], got=got[:MAX_VALUE])


def main() -> None:
    """Prints one line and ends with 1 when the tests fail."""
    sys.path.insert(0, "")
    with open(TESTS, encoding="utf-8") as file:
        source = file.read()
    try:
        exec(compile(source, TESTS, "exec"), {"__name__": "__main__"})
    except BaseException as error:  # noqa: BLE001 - a broken solution may raise anything, SystemExit included
        print("\n" + json.dumps(describe(error, source)))
        sys.exit(1)


main()
