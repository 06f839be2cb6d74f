"""Rows whose analysis is what the analysis agent itself writes: the code agent learns from them to read analyses that are not right.

Trained on gold analyses alone it believes every word of a wrong one, and the patch becomes less likely than without any analysis.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from types import SimpleNamespace

import torch

from generate import Batch
from protocol import MAX_ANALYSIS_TOKENS, Codec


@torch.no_grad()
def with_own_analyses(config, weights: dict, analyst: dict, samples: list, codec: Codec, device, rows: int = 512) -> list:
    """The samples (or held-out rows) with the agent's greedy analyses in place of the given ones. `weights` as in `store.serving_weights`, `analyst` as in `generate.load_agent`.

    Samples of like length share a batch; an analysis that does not end within the limit is cut there, as the server cuts it.
    """
    ordered, made = sorted(samples, key=lambda sample: len(sample.source_ids)), []
    for start in range(0, len(ordered), rows):
        group = ordered[start : start + rows]
        batch = Batch(config, weights, [list(sample.source_ids) for sample in group], device)
        analyses = batch.generate(analyst, [[codec.analyse]] * len(group), codec.patch, MAX_ANALYSIS_TOKENS)
        made += [SimpleNamespace(**{**vars(sample), "analysis_ids": analysis}) for sample, analysis in zip(group, analyses)]
    return made


def shuffled_forever(samples: list, seed: int) -> Iterator:
    """The samples again and again, each pass in another order."""
    rng = random.Random(seed)
    while True:
        yield from rng.sample(samples, len(samples))
