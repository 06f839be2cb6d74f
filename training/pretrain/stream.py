"""Endless training batches: worker processes read records, make fresh windows and fresh bugs, tokenise and pack.

Nothing is stored tokenised: every epoch sees other windows and other injected bugs. Each worker owns every n-th record and looks for
new record files at the start of a pass, so training may begin before the last part has arrived.
"""

from __future__ import annotations

import glob
import json
import lzma
import random
import sys
from pathlib import Path

import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from batches import Packer, Sizes, Symbols
from protocol import EOS, Codec
from recipe import Recipe
from samples import commit_sample, injected_sample, weight


class RecordStream(IterableDataset):
    """Yields packed batches (numpy dictionaries) of rows made by a recipe."""

    def __init__(self, records: Path, tokenizer: Path, sizes: Sizes, roles=("backbone",), seed=1, share=(0, 1), recipe=Recipe(), limit=None):
        self.records, self.tokenizer, self.sizes, self.roles, self.seed = records, tokenizer, sizes, roles, seed
        self.share, self.recipe, self.limit = share, recipe, limit

    def _lines(self, known: dict[str, list[bytes]], part: int, parts: int) -> list[bytes]:
        """This worker's records, as JSON lines, of every file seen so far."""
        for path in sorted(glob.glob(str(self.records / "records-*.jsonl*"))):
            if path not in known:
                try:
                    with lzma.open(path) if path.endswith(".xz") else open(path, "rb") as file:
                        known[path] = [line for i, line in enumerate(file) if i % parts == part and (self.limit is None or i < self.limit)]
                except (EOFError, lzma.LZMAError, OSError) as error:  # still arriving: the next pass looks again
                    print(f"not yet readable: {path}: {error!r}", file=sys.stderr, flush=True)
        return [line for lines in known.values() for line in lines]

    def __iter__(self):
        info, (rank, world) = get_worker_info(), self.share
        workers, worker = (info.num_workers, info.id) if info else (1, 0)
        part, parts = rank * workers + worker, world * workers
        codec = Codec(str(self.tokenizer))
        packer = Packer(Symbols(codec.analyse, codec.patch, EOS), self.sizes, self.roles)
        known: dict[str, list[bytes]] = {}
        for epoch in range(1_000_000):
            rng = random.Random(f"{self.seed} {epoch} {part}")
            lines = self._lines(known, part, parts)
            rng.shuffle(lines)
            for line in lines:
                for sample in self._samples(line, codec, rng):
                    if (batch := packer.add(sample)) is not None:
                        yield batch

    def first(self, count: int) -> list:
        """At most `count` samples of the records there are now, drawn in an order of its own."""
        rng, codec, found = random.Random(f"{self.seed} first"), Codec(str(self.tokenizer)), []
        lines = self._lines({}, 0, 1)
        rng.shuffle(lines)
        for line in lines:
            found += self._samples(line, codec, rng)
            if len(found) >= count:
                break
        return found[:count]

    def _samples(self, line: bytes, codec: Codec, rng: random.Random) -> list:
        """The samples of one record in this pass. A record that breaks the making of samples is reported and left out: hours of training do
        not depend on one line of somebody's history."""
        made = []
        try:
            record = json.loads(line)
            if rng.random() < (self.recipe.fixes if weight(record) > 1 else self.recipe.others):
                made.append(commit_sample(record, codec, rng, self.recipe))
            if rng.random() < self.recipe.injected:
                made.append(injected_sample(record, codec, rng, self.recipe))
        except Exception as error:  # noqa: BLE001
            print(f"left out: {line[:200]!r}: {error!r}", file=sys.stderr, flush=True)
        return [sample for sample in made if sample is not None]


def loader(stream: RecordStream, workers: int, pin: bool) -> DataLoader:
    """The stream in `workers` processes, a few batches ahead."""
    return DataLoader(stream, batch_size=None, num_workers=workers, pin_memory=pin, prefetch_factor=4 if workers else None,
                      collate_fn=to_tensors, persistent_workers=workers > 0)


def to_tensors(batch: dict) -> dict:
    """A (nested) batch of numpy arrays as tensors over the same memory."""
    return {k: to_tensors(v) if isinstance(v, dict) else torch.from_numpy(v) for k, v in batch.items()}


def to_device(batch: dict, device) -> dict:
    """Moves a (nested) batch without waiting."""
    return {k: to_device(v, device) if isinstance(v, dict) else v.to(device, non_blocking=True) for k, v in batch.items()}
