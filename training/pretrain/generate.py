"""Greedy, unconstrained generation on held-out rows: how often is the whole patch identical to the real one?

    python generate.py --weights backbone.safetensors --tokenizer tokenizer.model --heldout heldout.jsonl --out run/ [--agents run/] [--rows 512]

Two modes: "pipeline" writes an analysis and then the patch under it, "alone" writes the patch at once.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch
from safetensors.torch import load_file

import dense
import store
from protocol import EOS, Codec
from rows import read_rows


class Batch:
    """Greedy decoding of B rows with a cache of fixed capacity (dense.py's decoder; agents may change between calls)."""

    def __init__(self, config, weights, sources: list[list[int]], device, capacity: int = 512):
        self.config, self.weights, self.device = config, weights, device
        size, longest = len(sources), max(map(len, sources))
        ids = torch.zeros(size, longest, dtype=torch.long)
        self.lengths = torch.tensor([len(s) for s in sources])
        for row, source in enumerate(sources):
            ids[row, : len(source)] = torch.tensor(source)
        self.lengths = self.lengths.to(device)
        dtype = weights["embedding"].dtype
        mask = torch.where(torch.arange(longest, device=device) < self.lengths[:, None], 0.0, dense.MASKED)
        self.memory_mask = mask[:, None, None].to(dtype)
        self.memory = dense.encode(config, weights, ids.to(device), self.memory_mask)
        self.capacity, self.dtype, self.size = capacity, dtype, size
        self.reset()

    def reset(self) -> None:
        """Forgets what has been decoded, not the sources."""
        G, h = self.config.num_kv_heads, self.config.head_dim
        make = lambda *shape: torch.zeros(*shape, device=self.device, dtype=self.dtype)  # noqa: E731
        self.past = [(make(self.size, G, h, self.capacity), make(self.size, G, self.capacity, h)) for _ in range(self.config.decoder_layers)]
        self.filled = torch.zeros(self.size, dtype=torch.long, device=self.device)

    def step(self, agent: dict, tokens: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
        """tokens [B, T] of which counts [B] (0..T) are real -> greedy next id [B]."""
        size, width = tokens.shape
        order = torch.arange(width, device=self.device)
        past_mask = torch.where(torch.arange(self.capacity, device=self.device) < self.filled[:, None], 0.0, dense.MASKED)[:, None, None].to(self.dtype)
        allowed = (order[None, :] <= order[:, None])[None] & (order < counts[:, None])[:, None] | torch.eye(width, dtype=torch.bool, device=self.device)
        new_mask = torch.where(allowed, 0.0, dense.MASKED)[:, None].to(self.dtype)
        positions = (self.lengths + self.filled)[:, None] + order
        last = (counts - 1).clamp(min=0)[:, None]
        logits, new, _ = dense.decode(self.config, self.weights, agent, self.memory, self.memory_mask, self.past, past_mask, tokens, positions, new_mask, last)
        place = (self.filled[:, None] + order).clamp(max=self.capacity - 1)
        keep = order < counts[:, None]
        for (past_k, past_v), (k, v) in zip(self.past, new):
            rows, columns = keep.nonzero(as_tuple=True)
            past_k[rows, :, :, place[rows, columns]] = k.permute(0, 3, 1, 2)[rows, columns]
            past_v[rows, :, place[rows, columns]] = v.permute(0, 2, 1, 3)[rows, columns]
        self.filled += counts
        return logits[:, -1].argmax(-1)

    def generate(self, agent: dict, prefixes: list[list[int]], stop: int, limit: int) -> list[list[int]]:
        """Continues each prefix (fed from scratch) until `stop` or `limit` tokens; the stop symbol is left out."""
        self.reset()
        counts = torch.tensor([len(p) for p in prefixes], device=self.device)
        tokens = torch.zeros(self.size, int(counts.max()), dtype=torch.long)
        for row, prefix in enumerate(prefixes):
            tokens[row, : len(prefix)] = torch.tensor(prefix)
        following = self.step(agent, tokens.to(self.device), counts)
        written, alive = [], following != stop
        for _ in range(limit):
            written.append(torch.where(alive, following, -1))
            alive = alive & (following != EOS)
            if not alive.any():
                break
            following = self.step(agent, following[:, None], alive.long())
            alive = alive & (following != stop)
        return [[t for t in row if t >= 0] for row in torch.stack(written, 1).tolist()]


def load_agent(path: Path, config, device, dtype) -> dict:
    return {name: t.to(device, dtype)[None] for name, t in load_file(path).items()}


@torch.no_grad()
def exact_matches(config, weights: dict, agents: tuple[dict, dict], rows: list, codec: Codec, device, batch_rows: int = 128, max_tokens: int = 300) -> tuple[dict[str, float], list[dict]]:
    """Shares of whole patches that are identical in both modes, and what was written in readable form. `weights` as in `store.serving_weights`."""
    exact, examples, (analyst, coder) = {"pipeline": 0, "alone": 0}, [], agents
    for start in range(0, len(rows), batch_rows):
        group = rows[start : start + batch_rows]
        batch = Batch(config, weights, [list(r.source_ids) for r in group], device)
        analyses = batch.generate(analyst, [[codec.analyse]] * len(group), codec.patch, max_tokens // 2)
        prefixes = {"pipeline": [[codec.analyse, *a, codec.patch] for a in analyses], "alone": [[codec.patch]] * len(group)}
        patches = {mode: batch.generate(coder, prefix, EOS, max_tokens) for mode, prefix in prefixes.items()}
        for i, row in enumerate(group):
            for mode in exact:
                exact[mode] += patches[mode][i] == list(row.patch_ids)
            examples.append({"source": codec.readable(list(row.source_ids)), "gold": codec.readable([*row.analysis_ids, codec.patch, *row.patch_ids]),
                             "analysis": codec.readable(analyses[i]), "patch": codec.readable(patches["pipeline"][i]), "alone": codec.readable(patches["alone"][i])})
    return {mode: count / max(1, len(rows)) for mode, count in exact.items()}, examples


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("weights", "tokenizer", "heldout", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--agents", type=Path, help="folder with issue-analysis.safetensors and code-generation.safetensors (default: bare backbone)")
    parser.add_argument("--rows", type=int, default=512, help="rows of each kind")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--max-tokens", type=int, default=300, help="of a patch; an analysis gets half")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    config, tensors, _ = store.load(options.weights)
    codec, started = Codec(str(options.tokenizer)), time.time()
    serving = store.serving_weights(config, tensors)
    move = lambda t: None if t is None else t.to(device, dtype)  # noqa: E731
    weights = {"embedding": move(serving["embedding"]), "final_norm": serving["final_norm"].to(device),
               **{side: [tuple(map(move, layer)) for layer in serving[side]] for side in ("encoder", "decoder")}}
    roles = ("issue-analysis", "code-generation")
    analyst, coder = ((load_agent(options.agents / f"{role}.safetensors", config, device, dtype) for role in roles) if options.agents
                      else (dense.bare_agent(config, device, dtype),) * 2)
    result, examples = {}, []
    for kind in ("commit", "injected"):
        rows = [row for row in read_rows(options.heldout) if row.kind.startswith(kind)][: options.rows]
        shares, made = exact_matches(config, weights, (analyst, coder), rows, codec, device, options.batch, options.max_tokens)
        result[kind] = {"rows": len(rows), **shares}
        examples += [{"kind": kind, **example} for example in made]
    result["seconds"] = round(time.time() - started, 1)
    print(json.dumps(result), flush=True)
    name = "generated-agents" if options.agents else "generated-bare"
    (options.out / f"{name}.json").write_text(json.dumps({"exact": result, "examples": examples[:: max(1, len(examples) // 120)]}, ensure_ascii=False))


if __name__ == "__main__":
    main()
