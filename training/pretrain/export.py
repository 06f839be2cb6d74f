"""Released weights -> the directory the server reads: encoder.onnx, decoder.onnx, their weight files, tokenizer, config.json, SHA256SUMS.

    python export.py --weights run/backbone.safetensors --tokenizer tokenizer.model --out model/artifacts --agents run/ --agents-out adapters/files
    python export.py --tiny --out test/fixtures/tiny          # the random model of the unit tests

Graph inputs and outputs are listed in docs/design.md; `dense.py` computes the same in PyTorch.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from onnx import TensorProto
from safetensors import safe_open
from safetensors.torch import save_file

import store
from golden import write_golden
from graph import CONTRIB, Graph, WeightFile
from model import KINDS, TINY, Backbone, Config, rotary_table
from protocol import FAULT_TYPES, SPECIALS

F, I = TensorProto.FLOAT, TensorProto.INT64
WINDOW_LINES = 80


class Exporter:
    """Writes both graphs from one set of released tensors."""

    def __init__(self, config: Config, tensors: dict[str, torch.Tensor], out: Path):
        self.config, self.out = config, out
        self.tensors = {name: tensor.numpy() for name, tensor in tensors.items()}
        self.files = {side: WeightFile(out / f"{side}.bin") for side in ("encoder", "decoder", "embedding")}

    def linear(self, g: Graph, x: str, side: str, kind: str, layer: int) -> str:
        codes, scales = (self.tensors[f"{side}_{kind}.{part}"][layer] for part in ("codes", "scales"))
        return g.linear(x, f"{side}_{kind}_{layer}", codes, scales, self.config.weight_bits, self.files[side])

    def embed(self, g: Graph, ids: str) -> str:
        """int8 rows of the tied embedding [V, d], dequantised by id."""
        codes = self.tensors["embedding.codes"]
        table = g.external("embedding.rows", codes.reshape(len(codes), -1), self.files["embedding"], stored_as="embedding.codes")
        scales = g.scales("embedding", self.tensors["embedding.scales"], self.files["embedding"])
        return g.op("GatherBlockQuantized", [table, ids, scales], 1, CONTRIB, bits=8, block_size=32, quantize_axis=1, gather_axis=0)

    def rotary(self, g: Graph) -> tuple[str, str]:
        cos, sin = rotary_table(self.config, self.config.max_source_tokens + self.config.max_target_tokens + 64)
        return tuple(g.external(n, t.numpy(), self.files["embedding"]) for n, t in (("cos", cos), ("sin", sin)))

    def norm(self, g: Graph, residual: str, update: str | None) -> tuple[str, str]:
        """(normed, residual + update): one fused node from the second call on."""
        one = g.constant(np.ones(self.config.hidden_size), np.float32)
        if update is None:
            return g.op("SimplifiedLayerNormalization", [residual, one], epsilon=1e-5, axis=-1), residual
        names = [f"normed_{len(g.nodes)}", "", "", f"residual_{len(g.nodes)}"]
        g.op("SkipSimplifiedLayerNormalization", [residual, update, one], names, CONTRIB, epsilon=1e-5)
        return names[0], names[3]

    def project(self, g: Graph, y: str, side: str, layer: int, positions: str, cos: str, sin: str, key: str | None, value: str | None):
        """Queries folded to [B, G, R*T, h] and scaled, keys [B, G, h, T], values [B, G, T, h]; the last two under the given names."""
        c = self.config
        q, k, v = g.op("Split", [self.linear(g, y, side, "qkv", layer), g.constant(c.qkv_sizes)], 3, axis=-1)
        q = g.op("RotaryEmbedding", [q, positions, cos, sin], 1, CONTRIB, num_heads=c.num_heads)
        k = g.op("RotaryEmbedding", [k, positions, cos, sin], 1, CONTRIB, num_heads=c.num_kv_heads)
        q = g.op("Transpose", [g.op("Reshape", [q, g.constant([0, 0, c.num_heads, c.head_dim])])], perm=[0, 2, 1, 3])
        q = g.op("Reshape", [q, g.constant([0, c.num_kv_heads, -1, c.head_dim])])
        q = g.op("Mul", [q, g.constant(c.head_dim**-0.5, np.float32)])
        split = g.constant([0, 0, c.num_kv_heads, c.head_dim])
        k = g.op("Transpose", [g.op("Reshape", [k, split])], [key] if key else 1, perm=[0, 2, 3, 1])
        v = g.op("Transpose", [g.op("Reshape", [v, split])], [value] if value else 1, perm=[0, 2, 1, 3])
        return q, k, v

    def unfold(self, g: Graph, attended: str) -> str:
        """[B, G, R*T, h] -> [B, T, H*h]."""
        c = self.config
        heads = g.op("Reshape", [attended, g.constant([0, c.num_heads, -1, c.head_dim])])
        return g.op("Reshape", [g.op("Transpose", [heads], perm=[0, 2, 1, 3]), g.constant([0, 0, c.num_heads * c.head_dim])])

    def feed_forward(self, g: Graph, y: str, side: str, layer: int) -> str:
        gate, up = g.op("Split", [self.linear(g, y, side, "gate_up", layer)], 2, axis=-1, num_outputs=2)
        return self.linear(g, g.op("Mul", [g.op("QuickGelu", [gate], 1, CONTRIB, alpha=1.0), up]), side, "down", layer)

    def encoder(self) -> Graph:
        """input_ids [B, S], source_mask [B, 1, 1, S] -> memory_k_i [B, G, h, S], memory_v_i [B, G, S, h]."""
        c, g = self.config, Graph("encoder")
        ids, mask = g.input("input_ids", I, ["B", "S"]), g.input("source_mask", F, ["B", 1, 1, "S"])
        cos, sin = self.rotary(g)
        # Positions 0..S-1 for every row: RotaryEmbedding takes one offset for all.
        start, residual, update = g.constant([0]), self.embed(g, ids), None
        for i in range(c.encoder_layers):
            y, residual = self.norm(g, residual, update)
            names = (None, None)
            if i in c.decoder_parents:
                j = c.decoder_parents.index(i)
                names = (g.output(f"memory_k_{j}", ["B", c.num_kv_heads, c.head_dim, "S"]), g.output(f"memory_v_{j}", ["B", c.num_kv_heads, "S", c.head_dim]))
            q, k, v = self.project(g, y, "encoder", i, start, cos, sin, *names)
            if i == c.encoder_layers - 1:
                break
            weights = g.op("Softmax", [g.op("Add", [g.op("MatMul", [q, k]), mask])], axis=-1)
            update = self.linear(g, self.unfold(g, g.op("MatMul", [weights, v])), "encoder", "o", i)
            y, residual = self.norm(g, residual, update)
            update = self.feed_forward(g, y, "encoder", i)
        return g

    def decoder(self) -> Graph:
        """One step of T new tokens per row over memory, past and the new tokens themselves; agents are inputs."""
        c, g = self.config, Graph("decoder")
        G, h, d = c.num_kv_heads, c.head_dim, c.hidden_size
        ids, positions = g.input("input_ids", I, ["B", "T"]), g.input("position_ids", I, ["B", "T"])
        memory_mask, past_mask = g.input("memory_mask", F, ["M", 1, 1, "S"]), g.input("past_mask", F, ["B", 1, 1, "P"])
        new_mask, logit_index = g.input("new_mask", F, ["B", 1, "T", "T"]), g.input("logit_index", I, ["B", "K"])
        cos, sin = self.rotary(g)
        folded_mask = g.op("Concat", [new_mask] * (c.num_heads // G), axis=2)  # queries are folded to R*T rows
        memory_end = g.op("Shape", [memory_mask], start=3, end=4)
        past_end = g.op("Add", [memory_end, g.op("Shape", [past_mask], start=3, end=4)])
        zero, end, last = g.constant([0]), g.constant([2**31]), g.constant([3])
        residual, update, gates = self.embed(g, ids), None, []
        for i in range(c.decoder_layers):
            memory = g.input(f"memory_k_{i}", F, ["M", G, h, "S"]), g.input(f"memory_v_{i}", F, ["M", G, "S", h])
            past = g.input(f"past_k_{i}", F, ["B", G, h, "P"]), g.input(f"past_v_{i}", F, ["B", G, "P", h])
            y, residual = self.norm(g, residual, update)
            names = g.output(f"new_k_{i}", ["B", G, h, "T"]), g.output(f"new_v_{i}", ["B", G, "T", h])
            q, *new = self.project(g, y, "decoder", i, positions, cos, sin, *names)
            parts = [(*memory, memory_mask), (*past, past_mask), (*new, folded_mask)]
            scores = [g.op("Add", [g.op("MatMul", [q, k]), mask]) for k, _, mask in parts]
            weights = g.op("Softmax", [g.op("Concat", scores, axis=-1)], axis=-1)
            bounds = [zero, memory_end, past_end, end]
            slices = [g.op("Slice", [weights, bounds[n], bounds[n + 1], last]) for n in range(3)]
            attended = g.op("Add", [g.op("Add", [g.op("MatMul", [s, v]) for s, (_, v, _) in zip(slices[:2], parts)]),
                                    g.op("MatMul", [slices[2], new[1]])])
            update = self.linear(g, self.unfold(g, attended), "decoder", "o", i)
            y, residual = self.norm(g, residual, update)
            update = g.op("Add", [self.feed_forward(g, y, "decoder", i), self.adapter(g, y, i, gates)])
        hidden, _ = self.norm(g, residual, update)
        self.head(g, hidden, logit_index)
        g.op("Concat", gates, [g.output("router_gate", ["B", "T", c.decoder_layers])], axis=-1)
        return g

    def adapter(self, g: Graph, y: str, layer: int, gates: list[str]) -> str:
        """sigmoid(y gate_w + gate_b) * relu(y down) up, with a leading agent dimension A (1 or B) on every tensor."""
        d, r = self.config.hidden_size, self.config.adapter_rank
        down, up = g.input(f"adapter_down_{layer}", F, ["A", d, r]), g.input(f"adapter_up_{layer}", F, ["A", r, d])
        gate_w, gate_b = g.input(f"gate_w_{layer}", F, ["A", d, 1]), g.input(f"gate_b_{layer}", F, ["A", 1, 1])
        gates.append(g.op("Sigmoid", [g.op("Add", [g.op("MatMul", [y, gate_w]), gate_b])]))
        return g.op("Mul", [gates[-1], g.op("MatMul", [g.op("Relu", [g.op("MatMul", [y, down])]), up])])

    def head(self, g: Graph, hidden: str, logit_index: str) -> None:
        """Logits of the chosen positions: tied embedding plus the agent's low-rank role head."""
        c = self.config
        down, up = g.input("head_down", F, ["A", c.hidden_size, c.head_rank]), g.input("head_up", F, ["A", c.head_rank, c.vocab_size])
        index = g.op("Unsqueeze", [logit_index, g.constant([2])])
        hidden = g.op("Mul", [g.op("GatherND", [hidden, index], batch_dims=1), g.constant(self.tensors["final_norm"], np.float32)])
        codes, scales = self.tensors["embedding.codes"], self.tensors["embedding.scales"]
        shared = g.linear(hidden, "embedding", codes, scales, 8, self.files["embedding"])
        role = g.op("MatMul", [g.op("MatMul", [hidden, down]), up])
        g.op("Add", [shared, role], [g.output("logits", ["B", "K", c.vocab_size])])

    def run(self) -> None:
        for name in ("encoder", "decoder"):
            getattr(self, name)().save(self.out / f"{name}.onnx")
        for file in self.files.values():
            file.file.close()


def write_config(config: Config, tokenizer: Path, out: Path, name: str) -> None:
    """config.json and SHA256SUMS; the fingerprint is the hash of all weight and graph files."""
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(tokenizer))
    if pieces.get_piece_size() != config.vocab_size:
        raise SystemExit(f"the tokenizer has {pieces.get_piece_size()} pieces, the weights {config.vocab_size}")
    names = ["encoder.onnx", "decoder.onnx", "encoder.bin", "decoder.bin", "embedding.bin", "tokenizer.model"]
    sums = {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in names}
    fields = {
        "format": 1, "name": name, "hidden_size": config.hidden_size, "encoder_layers": config.encoder_layers,
        "decoder_layers": config.decoder_layers, "decoder_parents": config.decoder_parents, "num_heads": config.num_heads,
        "num_kv_heads": config.num_kv_heads, "head_dim": config.head_dim, "intermediate_size": config.intermediate_size,
        "vocab_size": config.vocab_size, "rope_theta": config.rope_theta, "max_source_tokens": config.max_source_tokens,
        "max_target_tokens": config.max_target_tokens, "window_lines": WINDOW_LINES, "weight_bits": config.weight_bits,
        "adapter": {"rank": config.adapter_rank, "head_rank": config.head_rank},
        "special": {piece: pieces.piece_to_id(piece) for piece in SPECIALS}, "newline": pieces.piece_to_id("\n"),
        "pad": pieces.pad_id(), "bos": pieces.bos_id(), "eos": pieces.eos_id(), "fault_types": list(FAULT_TYPES),
        "fingerprint": hashlib.sha256("".join(f"{name} {digest}\n" for name, digest in sorted(sums.items())).encode()).hexdigest(),
        "files": {"tokenizer": "tokenizer.model", "encoder": "encoder.onnx", "decoder": "decoder.onnx"},
    }
    (out / "config.json").write_text(json.dumps(fields, indent=2) + "\n")
    sums["config.json"] = hashlib.sha256((out / "config.json").read_bytes()).hexdigest()
    (out / "SHA256SUMS").write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())))


def bind_agents(source: Path, out: Path, fingerprint: str) -> None:
    """Copies the agent files of a training run, naming the backbone they belong to. `npm run seal` adds seal and probe: they need the served graphs."""
    out.mkdir(parents=True, exist_ok=True)
    for role in ("issue-analysis", "code-generation"):
        with safe_open(source / f"{role}.safetensors", "pt") as file:
            metadata, content = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}
        save_file(content, out / f"{role}.safetensors", metadata={**metadata, "backbone": fingerprint})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="released weights (safetensors)")
    parser.add_argument("--tokenizer", type=Path, help="SentencePiece model (default: the one already in --out)")
    parser.add_argument("--out", type=Path, required=True, help="directory to write")
    parser.add_argument("--agents", type=Path, help="folder of a train_agents.py run whose agent files are to be bound to this backbone")
    parser.add_argument("--agents-out", type=Path, help="where to write them")
    parser.add_argument("--golden", type=Path, help="where to write PyTorch's logits for the tests (default: none)")
    parser.add_argument("--name", default="issue-patch-158m")
    parser.add_argument("--tiny", action="store_true", help="random weights of the tiny test model")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(7)
    if options.tiny:
        model = Backbone(TINY)
        config, tensors = TINY, store.released_tensors(model, TINY.weight_bits)
    else:
        config, tensors, _ = store.load(options.weights)
    tokenizer = options.tokenizer or options.out / "tokenizer.model"
    Exporter(config, tensors, options.out).run()
    if tokenizer != options.out / "tokenizer.model":
        shutil.copyfile(tokenizer, options.out / "tokenizer.model")
    write_config(config, options.out / "tokenizer.model", options.out, "tiny" if options.tiny else options.name)
    if options.agents:
        bind_agents(options.agents, options.agents_out or options.out, json.loads((options.out / "config.json").read_text())["fingerprint"])
    if options.golden:
        write_golden(config, tensors, options.out / "tokenizer.model", options.golden)
    for file in sorted(options.out.iterdir()):
        print(f"{file.stat().st_size / 1e6:9.3f} MB  {file.name}")


if __name__ == "__main__":
    main()
