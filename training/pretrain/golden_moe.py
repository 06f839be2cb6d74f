"""Golden fixture of the mixture's step: PyTorch's loss, routes and gradients for the sequences of `golden_step.py`, by autograd."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from golden_step import loss_of, sequences, weights_of
from moe_graph import shapes_of, sizes_of

BALANCE_WEIGHT = 0.5  # far above the 0.01 of a training, so that an error in its gradient shows


def moe_adapter(sizes: dict, top_k: int, routes: list):
    """The layer of `moe_graph.py` in the form that `dense.decode` takes; appends (layer, probabilities, choice), each [T, E], to `routes`."""
    expert = torch.arange(sizes["experts"]).repeat_interleave(torch.tensor(sizes["ranks"]))

    def adapter(moe: dict, y: torch.Tensor, j: int) -> tuple[torch.Tensor, torch.Tensor]:
        likely = torch.softmax(y @ moe["router_w"][:, j] + moe["router_b"][:, j, None], -1)
        choice = torch.zeros_like(likely).scatter(-1, likely.topk(top_k).indices, 1.0)
        routes.append((j, likely[0], choice[0]))
        gates = likely * choice
        if top_k > 1:
            gates = gates / gates.sum(-1, keepdim=True)
        added = (torch.relu(y @ moe["expert_down"][:, j]) * gates[..., expert]) @ moe["expert_up"][:, j]
        return added, gates

    return adapter


def balance_of(routes: list, layers: int, experts: int, top_k: int) -> torch.Tensor:
    """Sum over the layers of E * sum_i f_i P_i over all tokens of all sequences."""
    total = torch.zeros(())
    for layer in range(layers):
        likely, choice = (torch.cat([route[part] for route in routes if route[0] == layer]) for part in (1, 2))
        total = total + experts * (choice.mean(0) / top_k * likely.mean(0)).sum()
    return total


def write_golden_moe(directory: Path, out: Path) -> None:
    """Writes golden-moe.json (losses, balance, routes by top_k) and golden-moe.safetensors (a mixture, and its gradients by top_k)."""
    config, weights = weights_of(directory)
    raw = json.loads((directory / "config.json").read_text())
    sizes, generator = sizes_of(raw), torch.Generator().manual_seed(29)
    scales = {"expert_down": 0.3, "expert_up": 0.3, "router_w": 0.5, "router_b": 0.3, "head_down": 0.3, "head_up": 0.1}
    mixture = {name: torch.randn(shape, generator=generator) * scales[name] for name, shape in shapes_of(raw).items()}
    tensors, record = dict(mixture), {"balance_weight": BALANCE_WEIGHT, "top_k": {}}
    for top_k in (1, 2):
        moe = {name: t[None].clone().requires_grad_() for name, t in mixture.items()}
        routes, rows, losses = [], [], []
        for sequence in sequences(config):
            start = len(routes)
            loss, correct = loss_of(config, weights, moe, sequence, moe_adapter(sizes, top_k, routes))
            losses.append(loss)
            rows.append({"loss": loss.item(), "correct": correct, "routed": [choice.sum(0).tolist() for _, _, choice in routes[start:]]})
        balance = balance_of(routes, config.decoder_layers, sizes["experts"], top_k)
        (sum(losses) + BALANCE_WEIGHT * sum(row["labels"] for row in sequences(config)) * balance).backward()
        record["top_k"][str(top_k)] = {"balance": balance.item(), "rows": rows}
        tensors |= {f"grad_{name}.{top_k}": t.grad[0].contiguous() for name, t in moe.items()}
    save_file(tensors, out / "golden-moe.safetensors")
    (out / "golden-moe.json").write_text(json.dumps(record) + "\n")
