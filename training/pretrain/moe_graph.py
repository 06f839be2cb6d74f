"""The training step of a mixture of adapter experts, on the graph of an agent's step: same backbone, other tensors in each layer.

Where an agent has one bottleneck adapter with an open or shut gate, a layer here has E experts (bottleneck adapters, side by side in
one matrix of R hidden units) and a router that picks `top_k` of them for each token. It is the baseline of rows 10, 11 and 38 of the
seed's inventory (4 experts top-2; 2 experts top-1; a loss for balance), brought to the agents' place in the layer and to their size.

Router and balance are those of the Switch Transformer (Fedus, Zoph, Shazeer 2022, "Switch Transformers: Scaling to Trillion Parameter
Models with Simple and Efficient Sparsity", sections 2.1 and 2.2): p = softmax(y W + b); the balance of a layer is E * sum_i f_i P_i, with
f_i the share of the routes that expert i gets and P_i its mean probability over the real tokens of the micro-batch; f is a constant to
the gradient. With one expert the output is weighted by p itself, as there: made to sum to 1 it would be the constant 1, and the
router would learn nothing from the cross-entropy. With more the chosen weights sum to 1 (Shazeer et al. 2017, "Outrageously Large
Neural Networks: The Sparsely-Gated Mixture-of-Experts Layer"; the seed does the same). Nothing is straight-through: gradients flow
through the weights of the chosen experts. There is no capacity, so no token is dropped.

All experts are multiplied and the others' hidden units weighted by 0; a runtime made for it would skip them. E = experts, R = their
hidden units together.
"""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from step_graph import StepGraph

F, I = TensorProto.FLOAT, TensorProto.INT64
EXPERTS = 4


def sizes_of(config: dict) -> dict:
    """Experts, hidden units of each, and rank of the one role head, so that all is as large as two agents together.

    Two agents have 2(2dr + d + 1) numbers in a layer. E routers' columns take E(d + 1), so E/2 - 1 hidden units (2d numbers each)
    are given up; E - 2 numbers a layer are left over: 24 in 2,326,040.
    """
    units = 2 * config["adapter"]["rank"] - (EXPERTS // 2 - 1)
    ranks = [units // EXPERTS + (i < units % EXPERTS) for i in range(EXPERTS)]
    return {"experts": EXPERTS, "ranks": ranks, "head_rank": 2 * config["adapter"]["head_rank"]}


def shapes_of(config: dict) -> dict[str, list[int]]:
    """The tensors of a mixture."""
    sizes, L, d = sizes_of(config), config["decoder_layers"], config["hidden_size"]
    R, E, q = sum(sizes["ranks"]), sizes["experts"], sizes["head_rank"]
    return {"expert_down": [L, d, R], "expert_up": [L, R, d], "router_w": [L, d, E], "router_b": [L, E],
            "head_down": [d, q], "head_up": [q, config["vocab_size"]]}


class MoeGraph(StepGraph):
    """As StepGraph, with inputs top_k [1], token_weight [B, T] (0 for padding) and, on the way back, balance_weight [1].

    Outputs besides loss, correct and count: `routed` [B, L, E], how many of a sequence's tokens went to an expert; with gradients
    `balance` [1], summed over the layers. Gradients are of the summed cross-entropy plus balance_weight * balance * labels of the
    micro-batch, so that dividing by the labels of all micro-batches leaves a mean of their balances.
    """

    def tensor_shapes(self) -> dict[str, list[int]]:
        return shapes_of(self.c)

    def build(self, gradients: bool) -> MoeGraph:
        sizes = sizes_of(self.c)
        self.experts, self.units = sizes["experts"], sum(sizes["ranks"])
        self.belongs = np.repeat(np.eye(self.experts, dtype=np.float32), sizes["ranks"], axis=1)  # [E, R]: whose a hidden unit is
        self.input("top_k", I, [1])
        self.input("token_weight", F, ["B", "T"])
        one = self.constant(1, np.float32)
        self.real = self.op("Unsqueeze", ["token_weight", self.constant([2])])
        self.renormalise = self.op("Cast", [self.op("Greater", ["top_k", self.constant([1])])], to=F)
        self.keep = self.op("Sub", [one, self.renormalise])
        self.routed, self.balances, self.balanced = [], [], gradients
        if gradients:
            self.input("balance_weight", F, [1])
            self.tokens = self.op("ReduceSum", ["token_weight"], keepdims=0)
            self.routes = self.mul(self.tokens, self.op("Cast", ["top_k"], to=F))
            labels = self.op("ReduceSum", ["label_weight"], keepdims=0)
            scale = self.mul(self.mul("balance_weight", labels), self.constant(self.experts, np.float32))
            self.slope = self.op("Div", [scale, self.tokens])
        super().build(gradients)
        layers = self.c["decoder_layers"]
        self.op("Concat", [self.op("Unsqueeze", [part, self.constant([1])]) for part in self.routed],
                [self.output("routed", ["B", layers, self.experts])], axis=1)
        if gradients:
            self.op("Reshape", [self.op("Sum", self.balances), self.constant([1])], [self.output("balance", [1])])
        return self

    def adapter(self, y: str, i: int) -> tuple[str, dict]:
        down, up, router_w, router_b = (self.op("Gather", [name, self.constant(i)], axis=0) for name in ("expert_down", "expert_up", "router_w", "router_b"))
        likely = self.op("Softmax", [self.add(self.op("MatMul", [y, router_w]), router_b)], axis=-1)
        _, chosen = self.op("TopK", [likely, "top_k"], 2, axis=-1)
        zeros = self.op("Expand", [self.constant(0, np.float32), self.op("Shape", [likely])])
        ones = self.op("Expand", [self.constant(1, np.float32), self.op("Shape", [chosen])])
        mask = self.op("ScatterElements", [zeros, chosen, ones], axis=2)
        weights = self.mul(likely, mask)
        total = self.op("ReduceSum", [weights, self.constant([-1])])
        total = self.add(self.mul(total, self.renormalise), self.keep)
        gates = self.op("Div", [weights, total])
        opened = self.op("MatMul", [gates, self.constant(self.belongs, np.float32)])
        inner = self.op("Relu", [self.op("MatMul", [y, down])])
        counted = self.mul(mask, self.real)
        self.routed.append(self.op("ReduceSum", [counted, self.constant([1])], keepdims=0))
        kept = dict(expert_down=down, expert_up=up, router_w=router_w, likely=likely, mask=mask, total=total, gates=gates,
                    opened_units=opened, inner=inner)
        if self.balanced:
            kept["share"] = self.op("Div", [self.op("ReduceSum", [counted, self.constant([0, 1])], keepdims=0), self.routes])
            mean = self.op("Div", [self.op("ReduceSum", [self.mul(likely, self.real), self.constant([0, 1])], keepdims=0), self.tokens])
            spread = self.op("ReduceSum", [self.mul(kept["share"], mean)], keepdims=0)
            self.balances.append(self.mul(spread, self.constant(self.experts, np.float32)))
        return self.op("MatMul", [self.mul(inner, opened), up]), kept

    def adapter_gradients(self, dx: str, layer: dict) -> tuple[dict[str, str], tuple[str, str]]:
        d, last = self.hidden, self.constant([-1])
        dunits = self.op("MatMul", [dx, self.transposed(layer["expert_up"], 1, 0)])
        dgates = self.op("MatMul", [self.mul(dunits, layer["inner"]), self.constant(self.belongs.T, np.float32)])
        common = self.mul(self.op("ReduceSum", [self.mul(dgates, layer["gates"]), last]), self.renormalise)
        dlikely = self.mul(self.op("Div", [layer["mask"], layer["total"]]), self.op("Sub", [dgates, common]))
        dlikely = self.add(dlikely, self.mul(self.mul(layer["share"], self.slope), self.real))
        mean = self.op("ReduceSum", [self.mul(dlikely, layer["likely"]), last])
        dz = self.mul(layer["likely"], self.op("Sub", [dlikely, mean]))
        active = self.op("Cast", [self.op("Greater", [layer["inner"], self.constant(0, np.float32)])], to=F)
        dinner = self.mul(self.mul(dunits, layer["opened_units"]), active)
        return {"expert_up": self.outer(self.mul(layer["inner"], layer["opened_units"]), self.units, dx, d),
                "expert_down": self.outer(layer["y"], d, dinner, self.units),
                "router_w": self.outer(layer["y"], d, dz, self.experts),
                "router_b": self.op("ReduceSum", [dz, self.constant([0, 1])], keepdims=0)}, (dinner, dz)

    def adapter_input_gradient(self, signals: tuple[str, str], layer: dict) -> str:
        dinner, dz = signals
        return self.add(self.op("MatMul", [dinner, self.transposed(layer["expert_down"], 1, 0)]),
                        self.op("MatMul", [dz, self.transposed(layer["router_w"], 1, 0)]))
