"""Teacher-forced figures on packed rows: cross-entropy (nats per token) and token accuracy by kind of edit and part of the answer."""

from __future__ import annotations

import torch

from batches import ANALYSIS, PATCH_ALONE, PATCH_GIVEN_ANALYSIS, merged
from stream import to_device

PARTS = {ANALYSIS: "analysis", PATCH_GIVEN_ANALYSIS: "patch_given_analysis", PATCH_ALONE: "patch_alone"}
KINDS = {0: "commit", 1: "injected"}


@torch.no_grad()
def evaluate(model, weights: dict, batches: list[dict], device, role: str = "backbone", agent: dict | None = None) -> dict[str, float]:
    """Figures named `{kind}_{part}_ce` / `_accuracy`, and over both kinds `{part}_ce` / `{part}_accuracy`."""
    sums = torch.zeros(2, 4, 3, dtype=torch.float64, device=device)  # kind, part, (loss, correct, count)
    for batch in batches:
        batch = to_device(merged(batch, role), device)
        loss, correct = model.score(weights, model.encode(weights, batch), batch, agent)
        for kind in KINDS:
            for part in PARTS:
                chosen = (batch["kind"] == kind) & (batch["segment"] == part)
                sums[kind, part] += torch.stack([loss[chosen].double().sum(), correct[chosen].double().sum(), chosen.double().sum()])
    figures = {}
    for part, name in PARTS.items():
        for kind, prefix in ((0, "commit_"), (1, "injected_"), (slice(None), "")):
            loss, correct, count = (sums[kind, part].sum(0) if prefix == "" else sums[kind, part]).tolist()
            if count:
                figures[f"{prefix}{name}_ce"], figures[f"{prefix}{name}_accuracy"] = loss / count, correct / count
    return figures
