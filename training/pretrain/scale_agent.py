"""How much of what an agent learnt is worth keeping: its effect, multiplied by several factors, on fresh rows of the training repositories.

    python scale_agent.py --weights backbone.safetensors --records data/ --tokenizer tokenizer.model --agents run/ --role issue-analysis

Adapters and role head act through their up-projections, so these are what is multiplied. Held-out rows (--heldout) are told beside them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file

from batches import CPU_SIZES, Sizes
from measure import evaluate
from protocol import Codec
from stream import RecordStream
from train import heldout_batches, packed
from train_agents import ROLES, frozen_backbone

FACTORS = (0.0, 0.15, 0.3, 0.45, 0.6, 0.8, 1.0)
UP = ("adapter_up", "head_up")
FIGURES = {"issue-analysis": ("analysis_ce",), "code-generation": ("patch_given_analysis_ce", "patch_alone_ce")}


@torch.no_grad()
def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("weights", "records", "tokenizer", "agents"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--heldout", type=Path)
    parser.add_argument("--role", choices=ROLES, required=True)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    (model, weights, _), codec = frozen_backbone(options.weights, device, dtype), Codec(str(options.tokenizer))
    sizes = Sizes() if device.type == "cuda" else CPU_SIZES
    fresh = RecordStream(options.records, options.tokenizer, sizes, ROLES, seed=options.seed).first(options.rows)
    rows = {"fresh": packed(fresh, codec, sizes, ROLES)}
    if options.heldout:
        rows["held-out"] = heldout_batches(options.heldout, codec, sizes, ROLES)
    learnt, losses = load_file(options.agents / f"{options.role}.safetensors"), {}
    for factor in FACTORS:
        scaled = {name: (tensor.float() * factor if name in UP else tensor.float()).half().to(device, dtype) for name, tensor in learnt.items()}
        agent = {name: tensor if name.startswith("head") else tensor.unbind(0) for name, tensor in scaled.items()}
        found = {what: evaluate(model, weights, batches, device, options.role, agent) for what, batches in rows.items()}
        print(factor, *(f"{what} {name} {figures[name]:.5f}" for what, figures in found.items() for name in FIGURES[options.role]), flush=True)
        losses[factor] = sum(found["fresh"][name] for name in FIGURES[options.role])
    print(f"best {min(losses, key=losses.get)}")


if __name__ == "__main__":
    main()
