"""Runs a program within limits of time and memory, without network where the system lets a user cut it off."""
import os
import resource
import signal
import subprocess
from functools import lru_cache
from pathlib import Path

ISOLATION = ["unshare", "--user", "--map-current-user", "--net", "--pid", "--fork", "--kill-child", "--"]
MEMORY_BYTES = 1 << 30


@lru_cache(maxsize=1)
def can_isolate() -> bool:
    """Whether programs can be run without network and apart from other processes here."""
    try:
        return subprocess.run([*ISOLATION, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def run(command: list[str], folder: Path, seconds: float) -> tuple[int | None, str]:
    """(exit code, standard output); the code is None when the time was up. Whatever the program started is killed with it."""
    process = subprocess.Popen(
        [*(ISOLATION if can_isolate() else []), *command], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        start_new_session=True, preexec_fn=_limit_memory, env={**os.environ, "TMPDIR": str(folder), "PYTHONHASHSEED": "0"})
    try:
        output, _ = process.communicate(timeout=seconds)
        return process.returncode, output.decode(errors="replace")
    except subprocess.TimeoutExpired:
        return None, ""
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        process.stdout.close()


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
