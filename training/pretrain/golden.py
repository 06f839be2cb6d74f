"""Golden fixtures: PyTorch's answers on fixed inputs, with which the TypeScript engine's tests compare its own."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

import dense
import store
from model import Config
from protocol import Codec

TEXTS = [
    "", " ", "\n", "\t\tx = 1\r\n", "def f(a, b):\n    return a + b\n", "   three spaces, then 12345", "  " * 40 + "deep",
    "<|issue|>not special<|patch|>", "<|", "<<|ctx|>|>", "naïve café – “quotes”", "日本語のテキスト", "emoji 👩‍👩‍👧‍👦 🚀", "null\u0000byte", "\ufeffbom",
    "a" * 300, "if x<=0 and not y[1:-1]: raise ValueError(f'{x!r}')", "\u2581 a sign \u2581\u2581", "\u200bzero\u00a0width", "\x1b[31mred\x1b[0m", "mixed\ttabs  and   spaces    end ",
]


def _sample(tensor: torch.Tensor, count: int = 48) -> dict:
    """Shape and evenly spaced values of a flattened tensor."""
    flat = tensor.detach().float().flatten()
    index = torch.linspace(0, len(flat) - 1, min(count, len(flat))).long()
    return {"shape": list(tensor.shape), "index": index.tolist(), "value": [round(v, 6) for v in flat[index].tolist()]}


def _agent(config: Config, seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(t.shape, generator=generator) * 0.05 for name, t in dense.bare_agent(config).items()}


@torch.no_grad()
def write_golden(config: Config, tensors: dict, tokenizer: Path, out: Path) -> None:
    """Writes golden.json (and the random agent it used) into `out`: tokenizer ids, memory, prefill and step logits, agents off and on."""
    out.mkdir(parents=True, exist_ok=True)
    codec, weights = Codec(tokenizer), store.serving_weights(config, tensors)
    generator = torch.Generator().manual_seed(11)
    source = torch.randint(30, config.vocab_size, (40,), generator=generator)
    target = torch.randint(30, config.vocab_size, (12,), generator=generator)
    memory = dense.encode(config, weights, source[None], torch.zeros(1, 1, 1, len(source)))
    empty = [(torch.zeros(1, config.num_kv_heads, config.head_dim, 1), torch.zeros(1, config.num_kv_heads, 1, config.head_dim))] * config.decoder_layers
    causal = torch.full((len(target), len(target)), dense.MASKED).triu(1)[None, None]
    agent = _agent(config, 5)
    runs = {}
    for name, tensors_ in (("bare", dense.bare_agent(config)), ("agent", agent)):
        logits, _, gates = dense.decode(config, weights, tensors_, memory, torch.zeros(1, 1, 1, len(source)), empty, torch.full((1, 1, 1, 1), dense.MASKED),
                                        target[None], len(source) + torch.arange(len(target))[None], causal, torch.arange(len(target))[None])
        runs[name] = {"logits": [_sample(row) for row in logits[0]], "argmax": logits[0].argmax(-1).tolist(), "router_gate_mean": gates.mean().item()}
    golden = {
        "tokenizer": [{"text": text, "ids": codec.encode_text(text)} for text in TEXTS],
        "source": source.tolist(), "target": target.tolist(),
        "memory": {f"{kind}_{j}": _sample(memory[j][kind == "v"][0]) for j in range(config.decoder_layers) for kind in ("k", "v")},
        "decoder": runs,
    }
    (out / "golden.json").write_text(json.dumps(golden))
    if config.hidden_size < 128:  # the tiny agent; at full size tests use the agents in adapters/files
        fingerprint = json.loads((tokenizer.parent / "config.json").read_text())["fingerprint"]
        files = {"golden-agent": agent, "issue-analysis": _agent(config, 6), "code-generation": _agent(config, 7)}
        for name, content in files.items():
            metadata = {"format": "1", "agent": "code-generation" if name == "golden-agent" else name, "backbone": fingerprint, "figures": "{}", "lineage": "{}"}
            save_file({key: t[0].half() if name != "golden-agent" else t[0] for key, t in content.items()}, out / f"{name}.safetensors", metadata=metadata)
