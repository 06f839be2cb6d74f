"""HumanEval-repair: bugs are caught by the tests, repeat with the seed and carry an issue; hostile programs are stopped; overlap is found."""
import gzip
import json
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "training" / "benchmark"))

from bugs import bugs_of, observe, program_of  # noqa: E402
from overlap import overlap, record_files, record_texts, task_texts  # noqa: E402
from prepare import read_tasks  # noqa: E402
from sandbox import can_isolate, run  # noqa: E402

TASK = dict(
    task_id="Tiny/0", entry_point="clamp",
    prompt='def clamp(value: int, low: int, high: int) -> int:\n    """ Return the value, or the bound that it lies beyond.\n    >>> clamp(7, 0, 5)\n    5\n    """\n',
    canonical_solution="    if value < low:\n        return low\n    if value > high:\n        return high\n    return value\n",
    test="def check(candidate):\n    for value in range(-3, 9):\n        assert candidate(value, 0, 5) == sorted((0, value, 5))[1], 'bounds'\n")


def test_bugs_fail_the_tests_and_repeat_with_the_seed() -> None:
    rows = bugs_of(TASK, 3, 0)
    assert [row["name"] for row in rows] == ["Tiny/0#1", "Tiny/0#2", "Tiny/0#3"]
    assert len({row["content"] for row in rows}) == 3
    for row in rows:
        assert observe(row["content"], row["test"]) is not None
        assert observe(row["expected"], row["test"]) is None
        assert row["fault"]
    assert bugs_of(TASK, 3, 0) == rows
    assert [row["content"] for row in bugs_of(TASK, 3, 1)] != [row["content"] for row in rows]


def test_issues_name_docstring_and_failing_assertion() -> None:
    row = next(row for row in bugs_of(TASK, 3, 0) if row["issue"]["title"] == "clamp gives a wrong result")
    body = row["issue"]["body"]
    assert "Documented as: Return the value, or the bound that it lies beyond.\n" in body
    assert "assert clamp(value, 0, 5) == sorted((0, value, 5))[1]\n" in body
    assert "bounds" not in body and ">>>" not in body


def test_failures_are_observed() -> None:
    tests = program_of({**TASK, "test": "def check(candidate):\n    assert candidate(9, 0, 5) == 5\n"})
    assert observe("def clamp(value, low, high):\n    return low\n", tests) == dict(statement="assert clamp(9, 0, 5) == 5", error="", got="0")
    assert observe("def clamp(value, low):\n    return low\n", tests)["error"].startswith("TypeError: ")
    assert observe("import os\n\ndef clamp(value, low, high):\n    os._exit(3)\n", tests)["error"] == "crash"
    assert observe("def clamp(value, low, high):\n    raise SystemExit(0)\n", tests)["error"].startswith("SystemExit")


def test_a_task_whose_solution_fails_gives_no_bugs() -> None:
    assert bugs_of({**TASK, "canonical_solution": "    return low\n"}, 3, 0) == []


def test_a_program_that_takes_too_long_is_killed_with_what_it_started(tmp_path: Path) -> None:
    program = "import pathlib, subprocess\nchild = subprocess.Popen(['sleep', '1000'])\npathlib.Path('started').touch()\nchild.wait()\n"
    assert run([sys.executable, "-c", program], tmp_path, 2) == (None, "")
    assert (tmp_path / "started").exists()

    def left() -> list[Path]:
        # The folder that processes run in tells who was started here.
        return [entry for entry in Path("/proc").glob("[0-9]*/cwd") if os.access(entry, os.R_OK) and os.path.realpath(entry) == str(tmp_path)]

    # A kill takes effect a moment later.
    assert any(not left() for _ in range(10_000))


def test_memory_is_limited(tmp_path: Path) -> None:
    assert run([sys.executable, "-c", "bytearray(2 << 30)"], tmp_path, 60)[0] == 1
    assert run([sys.executable, "-c", "bytearray(1 << 20)"], tmp_path, 60)[0] == 0


@pytest.mark.skipif(not can_isolate(), reason="the system lets no user cut off the network")
def test_there_is_no_network(tmp_path: Path) -> None:
    assert run([sys.executable, "-c", "import socket; print([name for _, name in socket.if_nameindex()])"], tmp_path, 60) == (0, "['lo']\n")


def test_tasks_are_read_from_the_data_file(tmp_path: Path) -> None:
    file = tmp_path / "HumanEval.jsonl.gz"
    file.write_bytes(gzip.compress(json.dumps(TASK).encode() + b"\n"))
    assert read_tasks(file) == [TASK]


def test_tasks_of_one_line_have_three_bugs_too() -> None:
    task = dict(
        task_id="Tiny/1", entry_point="joined", prompt='def joined(parts):\n    """ Put together.\n    """\n', canonical_solution="    return ''.join(parts)\n",
        test="def check(candidate):\n    assert candidate(['a', 'b', 'c']) == 'abc'\n")
    rows = bugs_of(task, 3, 0)
    assert len({row["content"] for row in rows}) == 3
    assert all(observe(row["content"], row["test"]) is not None and "Put together" in row["content"] for row in rows)


def test_overlap_reads_folders_and_mined_edits(tmp_path: Path) -> None:
    edit = dict(issue=dict(title="Fix it", body=None), files=[dict(path="a.py", content="old = 1\n")], patch="--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-old = 1\n+new = 2\n")
    (tmp_path / "mined.jsonl").write_text(json.dumps(edit) + "\n", encoding="utf-8")
    [file] = record_files([tmp_path])
    assert list(record_texts(file)) == ["Fix it\n\nold = 1\n", "new = 2"]
    with pytest.raises(SystemExit):
        record_files([tmp_path / "nothing.jsonl"])


def test_overlap_finds_what_training_saw(tmp_path: Path) -> None:
    words = " ".join(f"word{number}" for number in range(15))
    records, tasks = tmp_path / "records.jsonl", tmp_path / "tasks.jsonl"
    record = dict(subject="Fix", body="", before=["x = 1"], edits=[[0, 1, [f"# {words.upper().replace(' ', ', ')}"]]])
    records.write_text(json.dumps(record) + "\n", encoding="utf-8")
    tasks.write_text(json.dumps(dict(task="seen", expected=words + " other")) + "\n", encoding="utf-8")
    (tmp_path / "apart").mkdir()
    (tmp_path / "apart" / "case.json").write_text('{"files": ["a.py"]}', encoding="utf-8")
    (tmp_path / "apart" / "a.py").write_text("one " * 20, encoding="utf-8")
    assert overlap(task_texts(tasks, tmp_path), record_texts(records)) == {"seen": dict(grams=4, found=3), "apart": dict(grams=1, found=0)}
