"""Packs samples into batches of fixed size without padding waste, and streams them from worker processes.

A batch holds S source tokens and T decoder tokens (both constant, so compiled kernels see one shape). Each source is read by one
or two decoder sequences; what is left over at the end is filled with dummy sequences that carry no labels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np

IGNORE = -100
ANALYSIS, PATCH_GIVEN_ANALYSIS, PATCH_ALONE = 1, 2, 3


@dataclasses.dataclass(frozen=True)
class Symbols:
    """Ids that the decoder sequences are built with."""

    analyse: int
    patch: int
    eos: int


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Capacity of a batch: tokens, and the number of sequences its offset arrays have room for."""

    source_tokens: int = 36_864
    target_tokens: int = 13_824
    max_source: int = 1024
    max_target: int = 480

    @property
    def slots(self) -> tuple[int, int]:
        return self.source_tokens // 64 + 64, self.target_tokens // 16 + 64


# Without a GPU what fills a batch up costs time.
CPU_SIZES = Sizes(4096, 1536)


def sequences(sample, symbols: Symbols, role: str) -> list[tuple[list[int], list[int]]]:
    """The decoder sequences of a sample as (ids, segment of each id as a label; 0 = not a label).

    role "backbone": analysis and patch, and the patch alone. "issue-analysis": the analysis up to <|patch|>.
    "code-generation": the same two as the backbone, labels on the patch only.
    """
    analysis, patch = list(sample.analysis_ids), [*sample.patch_ids, symbols.eos]
    whole = [symbols.analyse, *analysis, symbols.patch, *patch]
    own = 0 if role == "code-generation" else ANALYSIS
    whole_segments = [0] + [own] * (len(analysis) + 1) + [PATCH_GIVEN_ANALYSIS] * len(patch)
    if role == "issue-analysis":
        end = len(analysis) + 2
        return [(whole[:end], whole_segments[:end])]
    return [(whole, whole_segments), ([symbols.patch, *patch], [0] + [PATCH_ALONE] * len(patch))]


class Packer:
    """Collects samples until a batch is full. `add` returns a finished batch when the new sample did not fit any more."""

    def __init__(self, symbols: Symbols, sizes: Sizes, roles: tuple[str, ...] = ("backbone",)):
        self.symbols, self.sizes, self.roles = symbols, sizes, roles
        self.clear()

    def clear(self) -> None:
        self.samples, self.sources = [], 0
        self.targets = {role: 0 for role in self.roles}

    def add(self, sample) -> dict | None:
        length = len(sample.source_ids)
        needed = {role: sum(len(ids) - 1 for ids, _ in sequences(sample, self.symbols, role)) for role in self.roles}
        full = self.sources + length > self.sizes.source_tokens or any(self.targets[r] + n > self.sizes.target_tokens for r, n in needed.items())
        batch = self.finish() if full else None
        self.samples.append(sample)
        self.sources += length
        for role, count in needed.items():
            self.targets[role] += count
        return batch

    def finish(self) -> dict | None:
        """The batch of what has been added so far (None if nothing has)."""
        if not self.samples:
            return None
        batch, starts = self._sources()
        for role in self.roles:
            batch[role] = self._targets(role, starts)
        self.clear()
        return batch

    def _sources(self) -> tuple[dict, list[int]]:
        total, slots = self.sizes.source_tokens, self.sizes.slots[0]
        ids, position, lengths, starts = np.zeros(total, np.int64), np.zeros(total, np.int64), [], []
        at = 0
        for sample in self.samples:
            n = len(sample.source_ids)
            ids[at : at + n], position[at : at + n] = sample.source_ids, np.arange(n)
            starts.append(at)
            lengths.append(n)
            at += n
        lengths += _dummies(total - at, self.sizes.max_source, position, at)
        return {"source": ids, "source_position": position, "source_cu": _offsets(lengths, slots)}, starts

    def _targets(self, role: str, starts: list[int]) -> dict:
        total, source_total = self.sizes.target_tokens, self.sizes.source_tokens
        ids, label = np.zeros(total, np.int64), np.full(total, IGNORE, np.int64)
        position, segment, kind = np.zeros(total, np.int64), np.zeros(total, np.int8), np.zeros(total, np.int8)
        uses, own_use = np.full((2, source_total), -1, np.int64), np.zeros(total, np.int64)
        lengths, key_lengths, index = [], [], []
        at = keys = 0
        for sample, start in zip(self.samples, starts):
            n = len(sample.source_ids)
            for which, (sequence, segments) in enumerate(sequences(sample, self.symbols, role)):
                t = len(sequence) - 1
                here = slice(at, at + t)
                labelled = np.array(segments[1:], np.int8)
                ids[here], segment[here], kind[here] = sequence[:-1], labelled, sample.kind.startswith("injected")
                label[here] = np.where(labelled > 0, sequence[1:], IGNORE)
                position[here] = n + np.arange(t)
                index += [np.arange(start, start + n), np.arange(source_total + at, source_total + at + t)]
                uses[which, start : start + n] = keys + np.arange(n)
                own_use[here] = keys + n + np.arange(t)
                lengths.append(t)
                key_lengths.append(n + t)
                at, keys = at + t, keys + n + t
        rest = _dummies(total - at, self.sizes.max_target, position, at)
        index.append(np.arange(source_total + at, source_total + total))
        own_use[at:] = keys + np.arange(total - at)
        slots = self.sizes.slots[1]
        return {
            "target": ids, "label": label, "target_position": position, "segment": segment, "kind": kind,
            "target_cu": _offsets(lengths + rest, slots), "key_cu": _offsets(key_lengths + rest, slots),
            "key_index": np.concatenate(index), "first_use": uses[0], "second_use": uses[1], "own_use": own_use,
        }


def _dummies(count: int, longest: int, position: np.ndarray, at: int) -> list[int]:
    """Lengths of dummy sequences that fill `count` tokens; sets their positions."""
    position[at:] = np.arange(count) % longest
    return [longest] * (count // longest) + ([count % longest] if count % longest else [])


def _offsets(lengths: list[int], slots: int) -> np.ndarray:
    """Cumulative offsets, the tail repeated (empty sequences) up to a constant size."""
    if len(lengths) > slots:
        raise ValueError(f"{len(lengths)} sequences in a batch with room for {slots}")
    offsets = np.full(slots + 1, sum(lengths), np.int32)
    offsets[: len(lengths) + 1] = np.concatenate([[0], np.cumsum(lengths)])
    return offsets


def pack_all(samples: Iterable, packer: Packer) -> Iterator[dict]:
    """All samples in batches, the last one partly filled."""
    for sample in samples:
        if (batch := packer.add(sample)) is not None:
            yield batch
    if (batch := packer.finish()) is not None:
        yield batch


def merged(batch: dict, role: str) -> dict:
    """The flat dictionary the model takes: sources plus one role's decoder sequences."""
    return {**{k: v for k, v in batch.items() if not isinstance(v, dict)}, **batch[role]}
