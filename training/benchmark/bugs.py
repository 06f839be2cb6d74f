"""Bugs in the canonical solution of a task that the task's own tests catch, each with an issue about it."""
import ast
import json
import shutil
import sys
import tempfile
from pathlib import Path
from random import Random

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "pretrain"))

from analysis import fault_type  # noqa: E402
from inject import inject  # noqa: E402
from sandbox import run  # noqa: E402
from token_bugs import token_bugs  # noqa: E402

SECONDS = 5
TRIES = 60
# So many tries look for a kind of bug that the task does not have yet.
TRIES_FOR_NEW_KINDS = 30
MAX_DESCRIPTION = 400


def program_of(task: dict) -> str:
    """The tests as a program that fails with an exit code."""
    name = task["entry_point"]
    return f"from solution import *\n\nENTRY_POINT = {name!r}\n{task['test']}\n\ncheck({name})\n"


def observe(content: str, tests: str) -> dict | None:
    """How a solution fails its tests; None when it passes."""
    folder = Path(tempfile.mkdtemp(prefix="agentic-seq2seq-"))
    try:
        (folder / "solution.py").write_text(content, encoding="utf-8")
        (folder / "test_solution.py").write_text(tests, encoding="utf-8")
        code, output = run([sys.executable, "-B", str(HERE / "observe.py")], folder, SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # a killed program may not be quite gone
    if code == 0:
        return None
    if code is None:
        return dict(statement="", error="timeout", got="")
    try:
        return json.loads(output.strip().rpartition("\n")[2])
    except ValueError:  # killed by the system, or it closed its output
        return dict(statement="", error="crash", got="")


def description(content: str, name: str) -> str:
    """The function's docstring up to its examples, in one line."""
    function = next(node for node in ast.walk(ast.parse(content)) if isinstance(node, ast.FunctionDef) and node.name == name)
    words: list[str] = []
    for line in (ast.get_docstring(function) or "").split("\n"):
        bare = line.strip()
        if bare.startswith((">>>", "Example", "For example", "for example", "Note", name + "(")):
            break
        words += bare.split()
    text = " ".join(words)
    return text if len(text) <= MAX_DESCRIPTION else text[:MAX_DESCRIPTION].rpartition(" ")[0] + " …"


def issue(name: str, about: str, failure: dict) -> dict:
    """Title and body as somebody would write who knows the docstring and saw the test fail."""
    error = failure["error"]
    if error == "timeout":
        title, seen = f"{name} does not return", "With some inputs of the tests it runs for ever."
    elif error == "crash":
        title, seen = f"{name} takes the interpreter down", "It ends without a traceback."
    elif error:
        title, seen = f"{name} raises {error.partition(':')[0]}", f"It ends with {error}"
    else:
        title, seen = f"{name} gives a wrong result", f"It fails: the left side is {failure['got']}"
    statement = failure["statement"] and f"This should hold:\n\n```python\n{failure['statement']}\n```"
    return dict(title=title, body="\n\n".join(part for part in (about and f"Documented as: {about}", statement, seen) if part))


def bugs_of(task: dict, wanted: int, seed: int) -> list[dict]:
    """Up to `wanted` rows about one task, of different kinds where there are; none if the canonical solution itself fails."""
    name, tests = task["entry_point"], program_of(task)
    content = (task["prompt"] + task["canonical_solution"]).rstrip("\n") + "\n"
    if observe(content, tests) is not None:
        return []
    lines, rng = content.removesuffix("\n").split("\n"), Random(f"{seed} {task['task_id']}")
    about = description(content, name)
    seen, rows = {content}, []

    def offer(kind: str, broken_lines: list[str], edits: list) -> None:
        broken = "\n".join(broken_lines) + "\n"
        if len(rows) == wanted or broken in seen:
            return
        seen.add(broken)
        failure = observe(broken, tests)
        if failure is not None:
            rows.append(dict(
                name=f"{task['task_id']}#{len(rows) + 1}", task=task["task_id"], kind=kind, fault=fault_type(broken_lines, edits), issue=issue(name, about, failure),
                path="solution.py", content=broken, expected=content, test_path="test_solution.py", test=tests))

    for number in range(TRIES):
        if len(rows) == wanted:
            break
        bug = inject(lines, rng)
        if bug and not (number < TRIES_FOR_NEW_KINDS and bug.kind in [row["kind"] for row in rows]):
            offer(bug.kind, bug.lines, bug.edits)
    if len(rows) < wanted:
        others = list(token_bugs(lines, name))
        rng.shuffle(others)
        for kind, broken_lines, edits in others:
            offer(kind, broken_lines, edits)
    return rows
