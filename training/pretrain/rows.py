"""Reads the held-out rows that heldout.py wrote: the compact form (token ids, .npz) or JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np


def read_rows(path: Path, limit: int | None = None) -> Iterator[SimpleNamespace]:
    """Rows with at least kind, source_ids, analysis_ids and patch_ids."""
    rows = _compact(path) if Path(path).suffix == ".npz" else map(lambda line: SimpleNamespace(**json.loads(line)), open(path))
    for count, row in enumerate(rows):
        if limit is not None and count >= limit:
            return
        yield row


def _compact(path: Path) -> Iterator[SimpleNamespace]:
    file = np.load(path)
    flat, ends = file["flat"].astype(np.int64), np.cumsum(file["lengths"])
    for number, kind in enumerate(file["kind"]):
        source, analysis, patch = (flat[ends[i] - length : ends[i]].tolist() for i, length in zip(range(3 * number, 3 * number + 3), file["lengths"][number]))
        yield SimpleNamespace(kind=("commit", "injected")[kind], source_ids=source, analysis_ids=analysis, patch_ids=patch)
