"""The backbone in PyTorch: an encoder-decoder with merged attention, written for packed (padding-free) batches.

Shapes: T = packed tokens of a batch, d = hidden size, H / G = query / key-value heads, h = head size, f = feed-forward size.
Parameters are stacked by kind ([layers, out, in]), so the optimiser and the quantiser see nine tensors, not four hundred.
Decoder layer j attends jointly over the encoder keys and values of its parent layer and over its own causal prefix
("merged attention"); a single softmax covers both.
"""

from __future__ import annotations

import dataclasses
import inspect

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from quantise import fake_quantise

KINDS = ("qkv", "o", "gate_up", "down")


@dataclasses.dataclass(frozen=True)
class Config:
    """Sizes of a backbone and of its agents; written to config.json by the export."""

    hidden_size: int = 576
    num_heads: int = 9
    num_kv_heads: int = 3
    head_dim: int = 64
    intermediate_size: int = 1536
    encoder_layers: int = 30
    decoder_parents: tuple[int, ...] = (0, 2, 5, 8, 11, 14, 17, 20, 23, 26, 28, 29)
    vocab_size: int = 16384
    rope_theta: float = 100_000.0
    max_source_tokens: int = 1024
    max_target_tokens: int = 480
    adapter_rank: int = 64
    head_rank: int = 16
    weight_bits: int = 4

    @property
    def decoder_layers(self) -> int:
        return len(self.decoder_parents)

    @property
    def qkv_sizes(self) -> list[int]:
        return [self.num_heads * self.head_dim, self.num_kv_heads * self.head_dim, self.num_kv_heads * self.head_dim]


TINY = Config(
    hidden_size=64, num_heads=4, num_kv_heads=2, head_dim=16, intermediate_size=96, encoder_layers=3,
    decoder_parents=(0, 2), vocab_size=1024, adapter_rank=8, head_rank=4,
)


def rms_norm(x: Tensor) -> Tensor:
    """RMSNorm without a weight: the learned weight is multiplied into the matrix that reads the result."""
    return F.rms_norm(x, (x.shape[-1],), eps=1e-5)


def rotary_table(config: Config, length: int, device=None) -> tuple[Tensor, Tensor]:
    """cos and sin [length, h/2] of the half-rotated layout."""
    inverse = config.rope_theta ** -(torch.arange(0, config.head_dim, 2, device=device).float() / config.head_dim)
    angle = torch.arange(length, device=device).float()[:, None] * inverse
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding of x [..., h] by cos, sin [..., h/2] (broadcast over heads), in the tables' precision."""
    a, b = x.to(cos.dtype).chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)


def project(x: Tensor, qkv: Tensor, cos: Tensor, sin: Tensor, sizes: list[int], head_dim: int):
    """x [T, d] -> rotated queries [T, H, h], rotated keys [T, G, h], values [T, G, h]."""
    q, k, v = (rms_norm(x) @ qkv.t()).split(sizes, -1)
    q, k, v = (t.unflatten(-1, (-1, head_dim)) for t in (q, k, v))
    cos, sin = cos[:, None], sin[:, None]
    return rotate(q, cos, sin), rotate(k, cos, sin), v


def finish(x: Tensor, attended: Tensor, o: Tensor, gate_up: Tensor, down: Tensor) -> Tensor:
    """Adds attention output and feed-forward block to the residual stream x [T, d]."""
    x = x + attended.flatten(1) @ o.t()
    gate, up = (rms_norm(x) @ gate_up.t()).chunk(2, -1)
    return x + (F.silu(gate) * up) @ down.t()


def finish_with_adapter(x, attended, o, gate_up, down, adapter_down, adapter_up, gate_w, gate_b):
    """`finish` with an agent's bottleneck adapter in parallel to the feed-forward block, opened per token by its router gate."""
    x = x + attended.flatten(1) @ o.t()
    y = rms_norm(x)
    gate, up = (y @ gate_up.t()).chunk(2, -1)
    opened = torch.sigmoid(y @ gate_w[:, None] + gate_b)
    return x + (F.silu(gate) * up) @ down.t() + opened * (F.relu(y @ adapter_down) @ adapter_up)


def cross_entropy(hidden: Tensor, head: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """hidden [T, d], head [V, d], labels [T] (-100 = none) -> per-token loss [T] in nats, correctness [T]."""
    logits = (hidden @ head.t()).float()
    return F.cross_entropy(logits, labels, ignore_index=-100, reduction="none"), logits.argmax(-1) == labels


def cross_entropy_with_role_head(hidden, head, labels, head_down, head_up):
    """`cross_entropy` with an agent's low-rank role head added to the logits."""
    logits = (hidden @ head.t() + (hidden @ head_down) @ head_up).float()
    return F.cross_entropy(logits, labels, ignore_index=-100, reduction="none"), logits.argmax(-1) == labels


class MergeKeys(torch.autograd.Function):
    """Lays out, for every decoder sequence, its encoder rows followed by its own rows.

    forward: cat(memory [S, G, h], own [T, G, h])[index]. The backward pass gathers through the inverse indices (each memory row is
    used at most twice) instead of scattering with atomics. An index of -1 means "not used".
    """

    @staticmethod
    def forward(ctx, memory, own, index, first_use, second_use, own_use):
        ctx.save_for_backward(first_use, second_use, own_use)
        return torch.cat((memory, own)).index_select(0, index)

    @staticmethod
    def backward(ctx, grad):
        first, second, own = ctx.saved_tensors

        def pick(use):
            rows = grad.index_select(0, use.clamp(min=0))
            return torch.where((use >= 0)[:, None, None], rows, 0)

        return pick(first) + pick(second), pick(own), None, None, None, None


class _Materialise(torch.autograd.Function):
    """fp32 master [L, out, in] (times norm weight [L, in]) -> compute dtype, optionally through the serving quantiser.

    Straight-through: the gradient of the result is the gradient of the product.
    """

    @staticmethod
    def forward(ctx, weight, norm, bits, dtype):
        ctx.save_for_backward(weight, norm)
        product = weight if norm is None else weight * norm[..., None, :]
        return (fake_quantise(product, bits) if bits else product).to(dtype)

    @staticmethod
    def backward(ctx, grad):
        weight, norm = ctx.saved_tensors
        grad = grad.to(weight.dtype)
        if norm is None:
            return grad, None, None, None
        return grad * norm[..., None, :], (grad * weight).sum(-2), None, None


def sequence_attention(q, k, v, cu_q, cu_k, max_q, max_k, causal):
    """Packed attention one sequence after the other (CPU, and the reference for the kernel). Causal is aligned to the last key, as in FlashAttention."""
    repeat, out = q.shape[1] // k.shape[1], []
    starts_q, starts_k = cu_q.tolist(), cu_k.tolist()
    for i, (first, last) in enumerate(zip(starts_q, starts_q[1:])):
        if first == last:
            continue
        here, keys = slice(first, last), slice(starts_k[i], starts_k[i + 1])
        rows, columns = last - first, starts_k[i + 1] - starts_k[i]
        mask = torch.ones(rows, columns, dtype=torch.bool, device=q.device).tril(columns - rows) if causal else None
        heads = (t.transpose(0, 1)[None] for t in (q[here], k[keys].repeat_interleave(repeat, 1), v[keys].repeat_interleave(repeat, 1)))
        out.append(F.scaled_dot_product_attention(*heads, attn_mask=mask)[0].transpose(0, 1))
    return torch.cat(out)


def flash_attention(q, k, v, cu_q, cu_k, max_q, max_k, causal):
    """Packed attention by PyTorch's FlashAttention kernel (CUDA, half precision); grouped keys are repeated if the kernel wants it."""
    from torch.nn.attention.varlen import varlen_attn

    names = inspect.signature(varlen_attn).parameters
    extra = {"window_size": (-1, 0) if causal else (-1, -1)} if "window_size" in names else {"is_causal": causal}
    if "enable_gqa" in names:
        extra["enable_gqa"] = True
    return varlen_attn(q, k, v, cu_q, cu_k, max_q, max_k, **extra)


class Backbone(nn.Module):
    """Parameters and packed forward pass. `attention` is replaced by `flash_attention` on a GPU."""

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        c = config
        shapes = {"qkv": (sum(c.qkv_sizes), c.hidden_size), "o": (c.hidden_size, c.num_heads * c.head_dim),
                  "gate_up": (2 * c.intermediate_size, c.hidden_size), "down": (c.hidden_size, c.intermediate_size)}
        for side, layers in (("encoder", c.encoder_layers), ("decoder", c.decoder_layers)):
            for kind, (rows, columns) in shapes.items():
                self.register_parameter(f"{side}_{kind}", nn.Parameter(torch.randn(layers, rows, columns) * columns**-0.5))
            for norm in ("attention", "feed_forward"):
                self.register_parameter(f"{side}_{norm}_norm", nn.Parameter(torch.ones(layers, c.hidden_size)))
        self.embedding = nn.Parameter(torch.randn(c.vocab_size, c.hidden_size) * 0.02)
        self.final_norm = nn.Parameter(torch.ones(c.hidden_size))
        cos, sin = rotary_table(c, c.max_source_tokens + c.max_target_tokens + 64)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.attention, self.project, self.finish, self.loss = sequence_attention, project, finish, cross_entropy

    def folded(self, side: str, kind: str) -> Tensor:
        """Master weight with the norm before it multiplied in, fp32 [L, out, in]; what the export quantises."""
        norm = {"qkv": "attention", "gate_up": "feed_forward"}.get(kind)
        weight = getattr(self, f"{side}_{kind}")
        return weight * getattr(self, f"{side}_{norm}_norm")[:, None, :] if norm else weight

    def materialise(self, dtype: torch.dtype, quantised: bool) -> dict:
        """Weights in the compute dtype, norms folded, through the serving quantiser if `quantised`; per side and kind a tuple of layers."""
        bits = self.config.weight_bits if quantised else 0
        weights = {}
        for side in ("encoder", "decoder"):
            norms = {"qkv": getattr(self, f"{side}_attention_norm"), "gate_up": getattr(self, f"{side}_feed_forward_norm")}
            stacks = [_Materialise.apply(getattr(self, f"{side}_{kind}"), norms.get(kind), bits, dtype).unbind(0) for kind in KINDS]
            weights[side] = list(zip(*stacks))
        weights["embedding"] = _Materialise.apply(self.embedding, None, 8 if quantised else 0, dtype)
        return weights

    def encode(self, weights: dict, batch: dict) -> list[tuple[Tensor, Tensor]]:
        """Packed sources -> keys and values [S, G, h] for each decoder layer."""
        c = self.config
        x = F.embedding(batch["source"], weights["embedding"])
        cos, sin = self.cos[batch["source_position"]], self.sin[batch["source_position"]]
        keep, memory = set(c.decoder_parents), {}
        for i, (qkv, o, gate_up, down) in enumerate(weights["encoder"]):
            q, k, v = self.project(x, qkv, cos, sin, c.qkv_sizes, c.head_dim)
            if i in keep:
                memory[i] = (k, v)
            if i == c.encoder_layers - 1:
                break  # nobody reads the encoder's last residual
            cu, longest = batch["source_cu"], c.max_source_tokens
            x = self.finish(x, self.attention(q, k, v, cu, cu, longest, longest, False), o, gate_up, down)
        return [memory[i] for i in c.decoder_parents]

    def decode(self, weights: dict, memory, batch: dict, agent: dict | None = None) -> Tensor:
        """Packed decoder sequences -> normed hidden states [T, d]."""
        c = self.config
        x = F.embedding(batch["target"], weights["embedding"])
        cos, sin = self.cos[batch["target_position"]], self.sin[batch["target_position"]]
        layout = [batch[name] for name in ("key_index", "first_use", "second_use", "own_use")]
        for j, (qkv, o, gate_up, down) in enumerate(weights["decoder"]):
            q, k, v = self.project(x, qkv, cos, sin, c.qkv_sizes, c.head_dim)
            keys, values = MergeKeys.apply(memory[j][0], k, *layout), MergeKeys.apply(memory[j][1], v, *layout)
            attended = self.attention(q, keys, values, batch["target_cu"], batch["key_cu"], c.max_target_tokens + 8,
                                      c.max_source_tokens + c.max_target_tokens + 8, True)
            if agent is None:
                x = self.finish(x, attended, o, gate_up, down)
            else:
                parts = (agent[name][j] for name in ("adapter_down", "adapter_up", "gate_w", "gate_b"))
                x = self.finish_with_adapter(x, attended, o, gate_up, down, *parts)
        return rms_norm(x) * self.final_norm.to(x.dtype)

    finish_with_adapter = staticmethod(finish_with_adapter)
    loss_with_role_head = staticmethod(cross_entropy_with_role_head)

    def forward(self, weights: dict, batch: dict, agent: dict | None = None) -> tuple[Tensor, Tensor]:
        """Per-token loss [T] and correctness [T] of the packed decoder sequences."""
        memory = self.encode(weights, batch)
        return self.score(weights, memory, batch, agent)

    def score(self, weights, memory, batch, agent=None):
        """The decoder half of `forward`, over a memory that may be shared or frozen."""
        hidden = self.decode(weights, memory, batch, agent)
        if agent is None:
            return self.loss(hidden, weights["embedding"], batch["label"])
        return self.loss_with_role_head(hidden, weights["embedding"], batch["label"], agent["head_down"], agent["head_up"])


def use_gpu_kernels(model: Backbone) -> None:
    """FlashAttention between compiled row-wise parts: their shapes never change, so each compiles once per side."""
    model.attention = flash_attention
    for name in ("project", "finish", "loss", "finish_with_adapter", "loss_with_role_head"):
        setattr(model, name, torch.compile(getattr(model, name), dynamic=False))
