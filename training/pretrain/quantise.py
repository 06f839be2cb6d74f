"""The number formats the server reads: symmetric int4 and int8 in blocks of 32 along the input dimension, fp16 scales.

`quantise` gives codes and scales (the export writes them), `fake_quantise` what they stand for (quantisation-aware training
and evaluation use it), so both see the same rounding.
"""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK = 32


def quantise(weight: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """weight [..., n] -> codes uint8 [..., n/32, 32] (zero point 8 or 128) and scales fp16 [..., n/32].

    int4: the block's element of largest magnitude maps to -8, so all sixteen codes are used (GGML's Q4_0); int8: to +-127.
    """
    blocks = weight.float().unflatten(-1, (-1, BLOCK))
    if bits == 4:
        low, high = blocks.amin(-1), blocks.amax(-1)
        scale, zero, top = torch.where(-low >= high, low, high) / -8, 8, 15
    elif bits == 8:
        scale, zero, top = blocks.abs().amax(-1) / 127, 128, 255
    else:
        raise ValueError(f"bits must be 4 or 8, not {bits}")
    scale = scale.half()
    step = scale.float()[..., None]
    step = torch.where(step == 0, torch.ones_like(step), step)
    return (torch.round(blocks / step) + zero).clamp(0, top).to(torch.uint8), scale


def dequantise(codes: Tensor, scale: Tensor, bits: int) -> Tensor:
    """The values that codes [..., n/32, 32] and scales [..., n/32] stand for, fp32 [..., n]."""
    return ((codes.float() - (8 if bits == 4 else 128)) * scale.float()[..., None]).flatten(-2)


def fake_quantise(weight: Tensor, bits: int) -> Tensor:
    """`weight` rounded to what the server will compute with."""
    return dequantise(*quantise(weight, bits), bits)


def pack_nibbles(codes: Tensor) -> Tensor:
    """int4 codes [..., 32] -> bytes [..., 16], low nibble first (MatMulNBits' layout)."""
    return codes[..., 0::2] | (codes[..., 1::2] << 4)


def unpack_nibbles(packed: Tensor) -> Tensor:
    """The inverse of `pack_nibbles`."""
    return torch.stack((packed & 15, packed >> 4), -1).flatten(-2)
