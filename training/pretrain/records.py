"""Where mined records lie and which repositories are for training."""
import json
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / ".work"
RECORDS = WORK / "records"
REFINED = WORK / "refined"
UPLOAD = WORK / "upload"
MIRROR = ROOT.parent / ".mirror"
REPOSITORIES = Path(__file__).resolve().parent / "repositories.json"

HELD_OUT = ("aio-libs/aiohttp", "networkx/networkx", "pallets/click", "psf/black")
# SWE-bench: for measuring only, never mined.
FORBIDDEN = (
    "astropy/astropy", "django/django", "matplotlib/matplotlib", "mwaskom/seaborn", "pallets/flask", "psf/requests", "pydata/xarray",
    "pylint-dev/pylint", "pytest-dev/pytest", "scikit-learn/scikit-learn", "sphinx-doc/sphinx", "sympy/sympy",
)


def record_file(repository: str, folder: Path = RECORDS) -> Path:
    """The file of a repository's records: as mined, or (folder REFINED) without duplicates."""
    return folder / (repository.replace("/", "+") + ".jsonl")


def repository_of(file: Path) -> str:
    """The repository of a file of records."""
    return file.stem.replace("+", "/", 1)


def training_files() -> list[Path]:
    """Files of records that may be trained on, in a fixed order."""
    return [file for file in sorted(REFINED.glob("*.jsonl")) if repository_of(file) not in HELD_OUT and file.stat().st_size]


def read_records(file: Path) -> Iterator[dict]:
    """The records of one file."""
    with file.open(encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)


def after_lines(before: list[str], edits: list) -> list[str]:
    """The lines after the edits [[start, end, new lines], …]."""
    out: list[str] = []
    position = 0
    for start, end, new in edits:
        out += before[position:start]
        out += new
        position = end
    return out + before[position:]
