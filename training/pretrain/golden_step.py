"""Golden fixture of the training step: PyTorch's loss and gradients on fixed sequences, by autograd through `dense.py`."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import torch
from onnx.external_data_helper import load_external_data_for_model
from onnx import numpy_helper
from safetensors.torch import load_file, save_file

import dense
from model import Config
from quantise import dequantise, unpack_nibbles
from step_operators import Backbone

SIZES = [(21, 9, 4), (40, 14, 13), (5, 3, 2)]  # source tokens, decoder tokens, labels (the last ones) of each sequence


def weights_of(directory: Path) -> tuple[Config, dict]:
    """The values an exported directory stands for, in the layout `dense.decode` takes."""
    backbone = Backbone(directory)
    fields = {name: backbone.config[name] for name in Config.__dataclass_fields__ if name in backbone.config}
    config = Config(**fields, adapter_rank=backbone.config["adapter"]["rank"], head_rank=backbone.config["adapter"]["head_rank"])
    arrays = {}
    for file in ("encoder", "decoder"):
        model = onnx.load(directory / f"{file}.onnx", load_external_data=False)
        load_external_data_for_model(model, str(directory))
        arrays |= {tensor.name: torch.tensor(numpy_helper.to_array(tensor)) for tensor in model.graph.initializer}

    def matrix(name: str, bits: int):
        codes = arrays.get(f"{name}.codes")
        return None if codes is None else dequantise(unpack_nibbles(codes) if bits == 4 else codes, arrays[f"{name}.scales"], bits)

    def layers(side: str, count: int):
        return [tuple(matrix(f"{side}_{kind}_{i}", config.weight_bits) for kind in ("qkv", "o", "gate_up", "down")) for i in range(count)]

    return config, {"embedding": matrix("embedding", 8), "final_norm": torch.tensor(backbone.final_norm),
                    "encoder": layers("encoder", config.encoder_layers), "decoder": layers("decoder", config.decoder_layers)}


def sequences(config: Config) -> list[dict]:
    """Random sequences of the fixture: source ids, decoder ids, and how many of the last tokens are labels."""
    generator = torch.Generator().manual_seed(23)
    return [{"source": torch.randint(30, config.vocab_size, (s,), generator=generator).tolist(),
             "target": torch.randint(30, config.vocab_size, (t + 1,), generator=generator).tolist(), "labels": k} for s, t, k in SIZES]


def loss_of(config: Config, weights: dict, agent: dict, sequence: dict, adapter=dense.agent_adapter) -> tuple[torch.Tensor, int]:
    """Summed cross-entropy of a sequence's labels, and how many of them are the likeliest token."""
    source, target, count = torch.tensor([sequence["source"]]), torch.tensor([sequence["target"]]), sequence["labels"]
    with torch.no_grad():
        memory = dense.encode(config, weights, source, torch.zeros(1, 1, 1, source.shape[1]))
    tokens = target.shape[1] - 1
    hidden = torch.full((1, 1, 1, 1), dense.MASKED)
    empty = [(torch.zeros(1, config.num_kv_heads, config.head_dim, 1), torch.zeros(1, config.num_kv_heads, 1, config.head_dim))] * config.decoder_layers
    causal = torch.full((tokens, tokens), dense.MASKED).triu(1)[None, None]
    index = torch.arange(tokens - count, tokens)[None]
    logits, _, _ = dense.decode(config, weights, agent, memory, torch.zeros(1, 1, 1, source.shape[1]), empty, hidden, target[:, :-1],
                                source.shape[1] + torch.arange(tokens)[None], causal, index, adapter)
    labels = target[0, -count:]
    return torch.nn.functional.cross_entropy(logits[0], labels, reduction="sum"), int((logits[0].argmax(-1) == labels).sum())


def write_golden_step(directory: Path, out: Path) -> None:
    """Writes golden-step.json (sequences, losses) and golden-step.safetensors (memory of each sequence, gradients of their sum)."""
    config, weights = weights_of(directory)
    agent = {name: t[None].float().requires_grad_() for name, t in load_file(out / "golden-agent.safetensors").items()}
    rows, losses = sequences(config), []
    for row in rows:
        loss, row["correct"] = loss_of(config, weights, agent, row)
        losses.append(loss)
        row["loss"] = loss.item()
    sum(losses).backward()
    tensors = {f"grad_{name}": t.grad[0] for name, t in agent.items()}
    for number, row in enumerate(rows):
        source = torch.tensor([row["source"]])
        memory = dense.encode(config, weights, source, torch.zeros(1, 1, 1, source.shape[1]))
        tensors |= {f"memory_{kind}_{j}.{number}": pair[kind == "v"][0].contiguous() for j, pair in enumerate(memory) for kind in ("k", "v")}
    save_file(tensors, out / "golden-step.safetensors")
    (out / "golden-step.json").write_text(json.dumps(rows) + "\n")
