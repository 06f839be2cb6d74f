"""Operators of the training graphs, forward and back, over the weights of an exported decoder.onnx.

Nothing is copied: an initialiser here names the same bytes of the same file.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from graph import BLOCK, CONTRIB, Graph

F = TensorProto.FLOAT
EPSILON = 1e-5


class Backbone:
    """Names, places and sizes of the weights as an exported decoder.onnx has them; no weight is read."""

    def __init__(self, directory: Path):
        self.config = json.loads((directory / "config.json").read_text())
        graph = onnx.load(directory / self.config["files"]["decoder"], load_external_data=False).graph
        self.initialisers = {tensor.name: tensor for tensor in graph.initializer}
        # The last norm's weight is a nameless constant: the factor of the hidden states that the head gathers.
        gathered = next(node.output[0] for node in graph.node if node.op_type == "GatherND")
        weighted = next(node for node in graph.node if node.op_type == "Mul" and gathered in node.input)
        self.final_norm = numpy_helper.to_array(self.initialisers[next(name for name in weighted.input if name != gathered)])


class FrozenGraph(Graph):
    """A graph over a frozen backbone; `accuracy` is MatMulNBits' accuracy level (1: fp32, 4: int8 activations)."""

    def __init__(self, name: str, backbone: Backbone, accuracy: int):
        super().__init__(name)
        self.backbone, self.accuracy, self.c = backbone, accuracy, backbone.config
        self.heads, self.kv, self.width, self.hidden = (self.c[key] for key in ("num_heads", "num_kv_heads", "head_dim", "hidden_size"))
        self.bits = self.c["weight_bits"]

    def shared(self, name: str) -> str:
        """An initialiser of decoder.onnx, bytes and all."""
        self.initialisers.setdefault(name, self.backbone.initialisers[name])
        return name

    def scales_of(self, name: str) -> str:
        """fp32 scales [N, K/32] of a matrix, cast once when the session is made."""
        cast = f"{name}.scales32"
        if not any(cast in node.output for node in self.nodes):
            self.op("Cast", [self.shared(f"{name}.scales")], [cast], to=F)
        return cast

    def times_transposed(self, x: str, name: str, bits: int) -> str:
        """x [..., K] @ W^T with W [N, K]: forward through a frozen matrix."""
        n, blocks, _ = self.backbone.initialisers[f"{name}.codes"].dims
        return self.op("MatMulNBits", [x, self.shared(f"{name}.codes"), self.scales_of(name)], 1, CONTRIB,
                       K=blocks * BLOCK, N=n, bits=bits, block_size=BLOCK, accuracy_level=self.accuracy)

    def times(self, dy: str, name: str, bits: int) -> str:
        """dy [..., N] @ W with W [N, K]: the gradient's way back. MatMulNBits' layout of the codes is that of a [N, K] tensor."""
        codes = self.backbone.initialisers[f"{name}.codes"]
        n, k = codes.dims[0], codes.dims[1] * BLOCK
        kind, zero = (TensorProto.UINT4, b"\x88") if bits == 4 else (TensorProto.UINT8, b"\x80")
        view, zeros = f"{name}.matrix", f"zero_points_{bits}_{n}_{k}"
        if view not in self.initialisers:
            tensor = TensorProto(name=view, dims=[n, k], data_type=kind, data_location=TensorProto.EXTERNAL)
            tensor.external_data.extend(codes.external_data)
            self.initialisers[view] = tensor
        if zeros not in self.initialisers:
            count = n * k // BLOCK
            self.initialisers[zeros] = helper.make_tensor(zeros, kind, [n, k // BLOCK], zero * ((count * bits + 7) // 8), raw=True)
        matrix = self.op("DequantizeLinear", [view, self.scales_of(name), zeros], axis=1, block_size=BLOCK)
        return self.op("MatMul", [dy, matrix])

    def mul(self, a: str, b: str) -> str:
        return self.op("Mul", [a, b])

    def add(self, a: str, b: str) -> str:
        return self.op("Add", [a, b])

    def transposed(self, x: str, *order: int) -> str:
        return self.op("Transpose", [x], perm=order)

    def norm(self, x: str) -> tuple[str, str]:
        """(x * r, r) with r = 1 / sqrt(mean(x^2) + 1e-5)."""
        mean = self.op("ReduceMean", [self.mul(x, x), self.constant([-1])])
        r = self.op("Reciprocal", [self.op("Sqrt", [self.add(mean, self.constant(EPSILON, np.float32))])])
        return self.mul(x, r), r

    def norm_back(self, dy: str, y: str, r: str) -> str:
        """Gradient of `norm`: r * (dy - y * mean(dy * y))."""
        mean = self.op("ReduceMean", [self.mul(dy, y), self.constant([-1])])
        return self.mul(r, self.op("Sub", [dy, self.mul(y, mean)]))

    def rotated(self, x: str, count: int, back: bool = False) -> str:
        """Rotary embedding of x [B, T, count*h]; its gradient is the rotation by the negative angle."""
        sin = self.shared("sin")
        if back:
            sin = "sin_negative"
            if not any(sin in node.output for node in self.nodes):
                self.op("Neg", [self.shared("sin")], [sin])
        return self.op("RotaryEmbedding", [x, "position_ids", self.shared("cos"), sin], 1, CONTRIB, num_heads=count)

    def fold(self, x: str) -> str:
        """[B, T, H*h] -> [B, G, R*T, h]: the queries of each key/value head in one matrix."""
        split = self.op("Reshape", [x, self.constant([0, 0, self.heads, self.width])])
        return self.op("Reshape", [self.transposed(split, 0, 2, 1, 3), self.constant([0, self.kv, -1, self.width])])

    def unfold(self, x: str) -> str:
        """The inverse of `fold`."""
        heads = self.op("Reshape", [x, self.constant([0, self.heads, -1, self.width])])
        return self.op("Reshape", [self.transposed(heads, 0, 2, 1, 3), self.constant([0, 0, self.heads * self.width])])

    def split_heads(self, x: str) -> str:
        """[B, T, G*h] -> [B, G, T, h]."""
        return self.transposed(self.op("Reshape", [x, self.constant([0, 0, self.kv, self.width])]), 0, 2, 1, 3)

    def join_heads(self, x: str) -> str:
        """The inverse of `split_heads`."""
        return self.op("Reshape", [self.transposed(x, 0, 2, 1, 3), self.constant([0, 0, self.kv * self.width])])

    def outer(self, a: str, m: int, b: str, n: int) -> str:
        """The gradient of a matrix: sum over all tokens of a^T b, a [..., m], b [..., n] -> [m, n]."""
        return self.op("Gemm", [self.op("Reshape", [x, self.constant([-1, size])]) for x, size in ((a, m), (b, n))], transA=1)
