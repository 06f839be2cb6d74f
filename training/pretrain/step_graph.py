"""The training step of an agent as a graph of ordinary operators: forward, cross-entropy, and the gradients written out by hand.

Only the agent's tensors have gradients; through the frozen matrices they flow by dequantising the codes that the forward pass reads.
`dense.py` with PyTorch's autograd computes the same. B = sequences, T = decoder tokens, K = labels of a sequence (both padded),
S = source tokens.
"""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from graph import BLOCK, CONTRIB
from step_operators import FrozenGraph

F, I = TensorProto.FLOAT, TensorProto.INT64


class StepGraph(FrozenGraph):
    """Forward pass, loss, and (`gradients`) the way back; keeps of each layer what the way back needs.

    What is trained in a layer is in `tensor_shapes`, `adapter`, `adapter_gradients` and `adapter_input_gradient` alone.
    """

    def tensor_shapes(self) -> dict[str, list[int]]:
        """The trained tensors: those of the layers have L first; a role head `head_down`, `head_up` belongs to all."""
        c, d, V, L = self.c, self.hidden, self.c["vocab_size"], self.c["decoder_layers"]
        r, q = c["adapter"]["rank"], c["adapter"]["head_rank"]
        return {"adapter_down": [L, d, r], "adapter_up": [L, r, d], "gate_w": [L, d], "gate_b": [L], "head_down": [d, q], "head_up": [q, V]}

    def build(self, gradients: bool) -> StepGraph:
        L = self.c["decoder_layers"]
        self.shapes = self.tensor_shapes()
        for name, kind, shape in (("input_ids", I, ["B", "T"]), ("position_ids", I, ["B", "T"]), ("memory_mask", F, ["B", 1, 1, "S"]),
                                  ("new_mask", F, [1, 1, "T", "T"]), ("label_index", I, ["B", "K"]), ("labels", I, ["B", "K"]),
                                  ("label_weight", F, ["B", "K"]), *((name, F, shape) for name, shape in self.shapes.items())):
            self.input(name, kind, shape)
        self.folded_mask = self.op("Concat", ["new_mask"] * (self.heads // self.kv), axis=2)
        self.memory_end = self.op("Shape", ["memory_mask"], start=3, end=4)
        x = self.op("GatherBlockQuantized", [self.shared("embedding.rows"), "input_ids", self.scales_of("embedding")], 1, CONTRIB,
                    bits=8, block_size=BLOCK, quantize_axis=1, gather_axis=0)
        kept = []
        for i in range(L):
            x, layer = self.layer(x, i)
            kept.append(layer)
        dx = self.loss(x, gradients)
        if gradients:
            self.way_back(dx, kept)
        return self

    def layer(self, x: str, i: int) -> tuple[str, dict]:
        """One decoder layer: merged attention, feed-forward block and the agent's adapter."""
        memory_k = self.input(f"memory_k_{i}", F, ["B", self.kv, self.width, "S"])
        memory_v = self.input(f"memory_v_{i}", F, ["B", self.kv, "S", self.width])
        sizes = [self.heads * self.width, self.kv * self.width, self.kv * self.width]
        y1, r1 = self.norm(x)
        q, k, v = self.op("Split", [self.times_transposed(y1, f"decoder_qkv_{i}", self.bits), self.constant(sizes)], 3, axis=-1)
        q = self.mul(self.fold(self.rotated(q, self.heads)), self.constant(self.width**-0.5, np.float32))
        k, v = self.split_heads(self.rotated(k, self.kv)), self.split_heads(v)
        of_memory = self.add(self.op("MatMul", [q, memory_k]), "memory_mask")
        of_new = self.add(self.op("MatMul", [q, self.transposed(k, 0, 1, 3, 2)]), self.folded_mask)
        weights = self.op("Softmax", [self.op("Concat", [of_memory, of_new], axis=-1)], axis=-1)
        on_memory, on_new = self.parts(weights)
        attended = self.add(self.op("MatMul", [on_memory, memory_v]), self.op("MatMul", [on_new, v]))
        x = self.add(x, self.times_transposed(self.unfold(attended), f"decoder_o_{i}", self.bits))
        y, r = self.norm(x)
        gate, up = self.op("Split", [self.times_transposed(y, f"decoder_gate_up_{i}", self.bits)], 2, axis=-1, num_outputs=2)
        opened = self.op("Sigmoid", [gate])
        activated = self.mul(gate, opened)
        block = self.times_transposed(self.mul(activated, up), f"decoder_down_{i}", self.bits)
        adapted, own = self.adapter(y, i)
        kept = dict(y1=y1, r1=r1, q=q, k=k, v=v, memory_k=memory_k, memory_v=memory_v, weights=weights, on_new=on_new, y=y, r=r, gate=gate,
                    opened=opened, activated=activated, up=up)
        return self.add(x, self.add(block, adapted)), kept | own

    def adapter(self, y: str, i: int) -> tuple[str, dict]:
        """What the agent adds to a layer, of its normed input y [B, T, d], and what the way back needs."""
        down, up, gate_w, gate_b = (self.op("Gather", [name, self.constant(i)], axis=0) for name in ("adapter_down", "adapter_up", "gate_w", "gate_b"))
        gate_w = self.op("Unsqueeze", [gate_w, self.constant([1])])
        router = self.op("Sigmoid", [self.add(self.op("MatMul", [y, gate_w]), gate_b)])
        inner = self.op("Relu", [self.op("MatMul", [y, down])])
        adapter = self.op("MatMul", [inner, up])
        kept = dict(adapter_down=down, adapter_up=up, gate_w=gate_w, router=router, inner=inner, adapter=adapter)
        return self.mul(router, adapter), kept

    def parts(self, scores: str) -> list[str]:
        """What falls on the memory and what on the new tokens, of [B, G, R*T, S+T]."""
        last = self.constant([3])
        return [self.op("Slice", [scores, self.constant([0]), self.memory_end, last]),
                self.op("Slice", [scores, self.memory_end, self.constant([2**31]), last])]

    def loss(self, x: str, gradients: bool) -> str | None:
        """Outputs loss, correct and count [B]; the gradient of the summed loss for x [B, T, d] if wanted."""
        q, V = self.shapes["head_up"]
        normed, r = self.norm(x)
        shape = self.op("Concat", [self.op("Shape", ["label_index"]), self.constant([self.hidden])], axis=0)
        index = self.op("Expand", [self.op("Unsqueeze", ["label_index", self.constant([2])]), shape])
        weight = self.constant(self.backbone.final_norm, np.float32)
        hidden = self.mul(self.op("GatherElements", [normed, index], axis=1), weight)
        low = self.op("MatMul", [hidden, "head_down"])
        logits = self.add(self.times_transposed(hidden, "embedding", 8), self.op("MatMul", [low, "head_up"]))
        likely = self.op("LogSoftmax", [logits], axis=-1)
        label = self.op("Unsqueeze", ["labels", self.constant([2])])
        of_label = self.op("Squeeze", [self.op("GatherElements", [likely, label], axis=2), self.constant([2])])
        last = self.constant([1])
        right = self.op("Cast", [self.op("Equal", [self.op("ArgMax", [logits], axis=-1, keepdims=0), "labels"])], to=F)
        self.op("Neg", [self.op("ReduceSum", [self.mul(of_label, "label_weight"), last], keepdims=0)], [self.output("loss", ["B"])])
        self.op("ReduceSum", [self.mul(right, "label_weight"), last], [self.output("correct", ["B"])], keepdims=0)
        self.op("ReduceSum", ["label_weight", last], [self.output("count", ["B"])], keepdims=0)
        if not gradients:
            return None
        weights = self.op("Unsqueeze", ["label_weight", self.constant([2])])
        minus_one = self.op("Expand", [self.constant(-1, np.float32), self.op("Shape", [label])])
        dlogits = self.mul(self.op("ScatterElements", [self.op("Exp", [likely]), label, minus_one], axis=2, reduction="add"), weights)
        dlow = self.op("MatMul", [dlogits, self.transposed("head_up", 1, 0)])
        self.gradient("head_up", self.outer(low, q, dlogits, V))
        self.gradient("head_down", self.outer(hidden, self.hidden, dlow, q))
        dhidden = self.add(self.times(dlogits, "embedding", 8), self.op("MatMul", [dlow, self.transposed("head_down", 1, 0)]))
        zeros = self.op("Expand", [self.constant(0, np.float32), self.op("Shape", [normed])])
        dnormed = self.op("ScatterElements", [zeros, index, self.mul(dhidden, weight)], axis=1, reduction="add")
        return self.norm_back(dnormed, normed, r)

    def gradient(self, name: str, value: str) -> None:
        """Names an output; the shape is the tensor's own."""
        self.op("Reshape", [value, self.constant(self.shapes[name])], [self.output(f"grad_{name}", self.shapes[name])])

    def way_back(self, dx: str, kept: list[dict]) -> None:
        """Gradients of the layers, from the last to the first; below the first adapter nothing is trained."""
        gradients: dict[str, list[str]] = {name: [] for name in self.shapes if name not in ("head_down", "head_up")}
        for i in reversed(range(len(kept))):
            layer = kept[i]
            found, signals = self.adapter_gradients(dx, layer)
            for name, value in found.items():
                gradients[name].insert(0, value)
            if i > 0:
                dy = self.adapter_input_gradient(signals, layer)
                dx = self.below_adapter(dx, self.add(dy, self.feed_forward_back(dx, layer, i)), layer, i)
        for name, values in gradients.items():
            rows = [self.op("Reshape", [value, self.constant([1, *self.shapes[name][1:]])]) for value in values]
            self.gradient(name, self.op("Concat", rows, axis=0))

    def adapter_gradients(self, dx: str, layer: dict) -> tuple[dict[str, str], tuple[str, str]]:
        """Gradients of a layer's own tensors, and of what is before the adapter's and the router's non-linearities."""
        d, r = self.hidden, self.c["adapter"]["rank"]
        dadapter = self.mul(dx, layer["router"])
        opening = self.op("ReduceSum", [self.mul(dx, layer["adapter"]), self.constant([-1])])
        slope = self.mul(layer["router"], self.op("Sub", [self.constant(1, np.float32), layer["router"]]))
        dz = self.mul(opening, slope)
        active = self.op("Cast", [self.op("Greater", [layer["inner"], self.constant(0, np.float32)])], to=F)
        dinner = self.mul(self.op("MatMul", [dadapter, self.transposed(layer["adapter_up"], 1, 0)]), active)
        return {"adapter_up": self.outer(layer["inner"], r, dadapter, d), "adapter_down": self.outer(layer["y"], d, dinner, r),
                "gate_w": self.outer(layer["y"], d, dz, 1), "gate_b": self.op("ReduceSum", [dz], keepdims=0)}, (dinner, dz)

    def adapter_input_gradient(self, signals: tuple[str, str], layer: dict) -> str:
        """From these to the adapter's input y."""
        dinner, dz = signals
        through_adapter = self.op("MatMul", [dinner, self.transposed(layer["adapter_down"], 1, 0)])
        return self.add(through_adapter, self.mul(dz, self.op("Squeeze", [layer["gate_w"], self.constant([1])])))

    def feed_forward_back(self, dx: str, layer: dict, i: int) -> str:
        """Through down, SiLU and gate_up, for the normed input of the block."""
        dh = self.times(dx, f"decoder_down_{i}", self.bits)
        opened, one = layer["opened"], self.constant(1, np.float32)
        slope = self.mul(opened, self.add(one, self.mul(layer["gate"], self.op("Sub", [one, opened]))))
        dgate_up = self.op("Concat", [self.mul(self.mul(dh, layer["up"]), slope), self.mul(dh, layer["activated"])], axis=-1)
        return self.times(dgate_up, f"decoder_gate_up_{i}", self.bits)

    def below_adapter(self, dx: str, dy: str, layer: dict, i: int) -> str:
        """From a layer's output (dx, and dy for its second norm) to its input."""
        dx = self.add(dx, self.norm_back(dy, layer["y"], layer["r"]))
        dattended = self.fold(self.times(dx, f"decoder_o_{i}", self.bits))
        on_memory = self.op("MatMul", [dattended, self.transposed(layer["memory_v"], 0, 1, 3, 2)])
        on_new = self.op("MatMul", [dattended, self.transposed(layer["v"], 0, 1, 3, 2)])
        dweights = self.op("Concat", [on_memory, on_new], axis=-1)
        mean = self.op("ReduceSum", [self.mul(layer["weights"], dweights), self.constant([-1])])
        of_memory, of_new = self.parts(self.mul(layer["weights"], self.op("Sub", [dweights, mean])))
        dq = self.add(self.op("MatMul", [of_memory, self.transposed(layer["memory_k"], 0, 1, 3, 2)]), self.op("MatMul", [of_new, layer["k"]]))
        dq = self.mul(self.unfold(dq), self.constant(self.width**-0.5, np.float32))
        dk = self.op("MatMul", [self.transposed(of_new, 0, 1, 3, 2), layer["q"]])
        dv = self.op("MatMul", [self.transposed(layer["on_new"], 0, 1, 3, 2), dattended])
        parts = [self.rotated(dq, self.heads, back=True), self.rotated(self.join_heads(dk), self.kv, back=True), self.join_heads(dv)]
        dy1 = self.times(self.op("Concat", parts, axis=-1), f"decoder_qkv_{i}", self.bits)
        return self.add(dx, self.norm_back(dy1, layer["y1"], layer["r1"]))
