"""The released form of a backbone: quantised codes and scales in one safetensors file, and the way back to PyTorch.

The export turns this file into ONNX graphs; `load_into` continues training from it; `serving_weights` gives the exact values the
server computes with, in the layout `dense.py` and `model.py` take.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from model import KINDS, Backbone, Config
from quantise import dequantise, pack_nibbles, quantise, unpack_nibbles


@torch.no_grad()
def released_tensors(model: Backbone, bits: int) -> dict[str, torch.Tensor]:
    """Codes and scales of every matrix with its norm folded in. The last encoder layer keeps only its key/value projection's matrix."""
    tensors = {"final_norm": model.final_norm.detach().float().cpu()}
    for side in ("encoder", "decoder"):
        for kind in KINDS:
            folded = model.folded(side, kind)
            if side == "encoder" and kind != "qkv":
                folded = folded[:-1]
            codes, scales = quantise(folded, bits)
            tensors[f"{side}_{kind}.codes"] = (pack_nibbles(codes) if bits == 4 else codes).cpu()
            tensors[f"{side}_{kind}.scales"] = scales.cpu()
    codes, scales = quantise(model.embedding, 8)
    tensors["embedding.codes"], tensors["embedding.scales"] = codes.cpu(), scales.cpu()
    return {name: tensor.contiguous() for name, tensor in tensors.items()}


def save(model: Backbone, path: str | Path, bits: int, notes: dict | None = None) -> None:
    """Writes the released form (temporary name, then rename). `notes` (JSON) go into the metadata."""
    config = dataclasses.replace(model.config, weight_bits=bits)
    metadata = {"config": json.dumps(dataclasses.asdict(config)), "notes": json.dumps(notes or {})}
    temporary = Path(f"{path}.part")
    save_file(released_tensors(model, bits), temporary, metadata=metadata)
    temporary.replace(path)


def load(path: str | Path) -> tuple[Config, dict[str, torch.Tensor], dict]:
    """Reads config, tensors and notes of a released file."""
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    fields = json.loads(metadata["config"])
    fields["decoder_parents"] = tuple(fields["decoder_parents"])
    return Config(**fields), tensors, json.loads(metadata["notes"])


def values(tensors: dict, name: str, bits: int) -> torch.Tensor:
    """Dequantised fp32 values of one stacked matrix."""
    codes = tensors[f"{name}.codes"]
    return dequantise(unpack_nibbles(codes) if bits == 4 else codes, tensors[f"{name}.scales"], bits)


def serving_weights(config: Config, tensors: dict) -> dict:
    """The layout of `Backbone.materialise`, holding exactly what the server computes with (fp32)."""
    weights = {"embedding": values(tensors, "embedding", 8), "final_norm": tensors["final_norm"]}
    for side in ("encoder", "decoder"):
        stacks = [list(values(tensors, f"{side}_{kind}", config.weight_bits).unbind(0)) for kind in KINDS]
        longest = len(stacks[0])
        weights[side] = list(zip(*(stack + [None] * (longest - len(stack)) for stack in stacks)))
    return weights


@torch.no_grad()
def load_into(model: Backbone, tensors: dict, bits: int) -> None:
    """Sets the master weights to the released values of `bits` bits (norms become 1, being folded in) to continue training."""
    for side in ("encoder", "decoder"):
        for kind in KINDS:
            stored = values(tensors, f"{side}_{kind}", bits)
            getattr(model, f"{side}_{kind}")[: len(stored)].copy_(stored)
        for norm in ("attention", "feed_forward"):
            getattr(model, f"{side}_{norm}_norm").fill_(1)
    model.embedding.copy_(values(tensors, "embedding", 8))
    model.final_norm.copy_(tensors["final_norm"])
