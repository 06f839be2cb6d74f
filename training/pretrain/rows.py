"""Held-out rows: written in a compact form (token ids, .npz), read from that or from JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
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


def write_rows(path: Path, samples: Sequence, **more: np.ndarray) -> None:
    """The compact form of samples, with further arrays."""
    parts = [ids for sample in samples for ids in (sample.source_ids, sample.analysis_ids, sample.patch_ids)]
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path, flat=np.concatenate([np.array(ids, dtype=np.uint16) for ids in parts]),
        lengths=np.array([len(ids) for ids in parts], dtype=np.int32).reshape(-1, 3),
        kind=np.array([0 if sample.kind == "commit" else 1 for sample in samples], dtype=np.uint8), **more)


def _compact(path: Path) -> Iterator[SimpleNamespace]:
    file = np.load(path)
    flat, ends = file["flat"].astype(np.int64), np.cumsum(file["lengths"])
    for number, kind in enumerate(file["kind"]):
        source, analysis, patch = (flat[ends[i] - length : ends[i]].tolist() for i, length in zip(range(3 * number, 3 * number + 3), file["lengths"][number]))
        yield SimpleNamespace(kind=("commit", "injected")[kind], source_ids=source, analysis_ids=analysis, patch_ids=patch)
