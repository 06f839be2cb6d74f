"""The ONNX graphs' reference in PyTorch: same inputs, same outputs, padded batches and an explicit cache.

Used for the golden fixtures, and on a GPU for greedy generation during evaluation.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model import Config, rms_norm, rotary_table, rotate

MASKED = -1e9


def heads(x: Tensor, count: int) -> Tensor:
    """[B, T, count*h] -> [B, count, T, h]."""
    return x.unflatten(-1, (count, -1)).transpose(1, 2)


def attend(config: Config, q: Tensor, parts: list[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
    """One softmax over several key/value parts (k [*, G, h, n], v [*, G, n, h], additive mask [*, 1, 1|T, n]); q [B, H, T, h] -> [B, T, H*h]."""
    repeat = config.num_heads // config.num_kv_heads
    scores = [q @ k.repeat_interleave(repeat, 1) * config.head_dim**-0.5 + mask for k, _, mask in parts]
    weights = torch.softmax(torch.cat(scores, -1).float(), -1).to(q.dtype).split([s.shape[-1] for s in scores], -1)
    return sum(w @ v.repeat_interleave(repeat, 1) for w, (_, v, _) in zip(weights, parts)).transpose(1, 2).flatten(2)


def feed_forward(y: Tensor, gate_up: Tensor, down: Tensor) -> Tensor:
    gate, up = (y @ gate_up.t()).chunk(2, -1)
    return (F.silu(gate) * up) @ down.t()


def encode(config: Config, weights: dict, input_ids: Tensor, source_mask: Tensor) -> list[tuple[Tensor, Tensor]]:
    """input_ids [B, S], source_mask [B, 1, 1, S] -> per decoder layer (keys [B, G, h, S], values [B, G, S, h])."""
    cos, sin = rotary_table(config, input_ids.shape[1], input_ids.device)
    x, memory = weights["embedding"][input_ids], {}
    for i, (qkv, o, gate_up, down) in enumerate(weights["encoder"]):
        q, k, v = (rms_norm(x) @ qkv.t()).split(config.qkv_sizes, -1)
        q, k = rotate(heads(q, config.num_heads), cos, sin), rotate(heads(k, config.num_kv_heads), cos, sin)
        k, v = k.transpose(-1, -2), heads(v, config.num_kv_heads)
        if i in config.decoder_parents:
            memory[i] = (k, v)
        if i == config.encoder_layers - 1:
            break
        x = x + attend(config, q, [(k, v, source_mask)]) @ o.t()
        x = x + feed_forward(rms_norm(x), gate_up, down)
    return [memory[i] for i in config.decoder_parents]


def agent_adapter(agent: dict, y: Tensor, j: int) -> tuple[Tensor, Tensor]:
    """What an agent adds to layer j for its normed input y [B, T, d], and how far its gate is open [B, T, 1]."""
    opened = torch.sigmoid(y @ agent["gate_w"][:, j, :, None] + agent["gate_b"][:, j, None, None])
    return opened * (torch.relu(y @ agent["adapter_down"][:, j]) @ agent["adapter_up"][:, j]), opened


def decode(config: Config, weights: dict, agent: dict, memory, memory_mask, past, past_mask, input_ids, position_ids, new_mask, logit_index,
           adapter=agent_adapter):
    """One decoder step of T new tokens per row; see docs/design.md for the shapes. Agent tensors carry a leading A (1 or B).

    Returns logits [B, K, V], new keys/values per layer, router gates [B, T, L].
    """
    cos, sin = rotary_table(config, config.max_source_tokens + config.max_target_tokens + 64, input_ids.device)
    cos, sin = cos[position_ids][:, None], sin[position_ids][:, None]
    x, new, gates = weights["embedding"][input_ids], [], []
    for j, (qkv, o, gate_up, down) in enumerate(weights["decoder"]):
        q, k, v = (rms_norm(x) @ qkv.t()).split(config.qkv_sizes, -1)
        q, k = rotate(heads(q, config.num_heads), cos, sin), rotate(heads(k, config.num_kv_heads), cos, sin)
        k, v = k.transpose(-1, -2), heads(v, config.num_kv_heads)
        new.append((k, v))
        x = x + attend(config, q, [(*memory[j], memory_mask), (*past[j], past_mask), (k, v, new_mask)]) @ o.t()
        y = rms_norm(x)
        added, opened = adapter(agent, y, j)
        x = x + feed_forward(y, gate_up, down) + added
        gates.append(opened)
    hidden = rms_norm(x) * weights["final_norm"].to(x.dtype)
    hidden = hidden.gather(1, logit_index[..., None].expand(-1, -1, hidden.shape[-1]))
    logits = hidden @ weights["embedding"].t() + (hidden @ agent["head_down"]) @ agent["head_up"]
    return logits, new, torch.cat(gates, -1)


def bare_agent(config: Config, device=None, dtype=torch.float32) -> dict[str, Tensor]:
    """Agent tensors (A = 1) of zeros: the backbone alone."""
    layers, d, r, q = config.decoder_layers, config.hidden_size, config.adapter_rank, config.head_rank
    shapes = {"adapter_down": (layers, d, r), "adapter_up": (layers, r, d), "gate_w": (layers, d), "gate_b": (layers,),
              "head_down": (d, q), "head_up": (q, config.vocab_size)}
    return {name: torch.zeros(1, *shape, device=device, dtype=dtype) for name, shape in shapes.items()}
