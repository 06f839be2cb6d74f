"""Reads the held-out rows that heldout.py wrote (plain or xz-compressed JSON lines)."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace


def read_rows(path: Path, limit: int | None = None) -> Iterator[SimpleNamespace]:
    """Rows with at least kind, source_ids, analysis_ids and patch_ids."""
    with lzma.open(path, "rt") if str(path).endswith(".xz") else open(path) as file:
        for count, line in enumerate(file):
            if limit is not None and count >= limit:
                return
            yield SimpleNamespace(**json.loads(line))
