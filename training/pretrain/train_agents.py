"""Trains the two initial agents jointly on the frozen, quantised backbone; each ends up in its own safetensors file.

    python train_agents.py --weights backbone.safetensors --records data/ --tokenizer tokenizer.model --heldout heldout.jsonl --out run/ --minutes 3

Every step encodes the sources once (the encoder knows no agent) and decodes them twice: the analysis agent predicts the analysis,
the code agent the patch, with the gold analysis and without any. With --own-analyses the code agent then goes on for a while on patches
after analyses that the analysis agent wrote, in turn with patches after gold ones.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

import store
from batches import Packer, Sizes, Symbols, merged, pack_all
from measure import evaluate
from model import Backbone, flash_attention, use_gpu_kernels
from own_analyses import shuffled_forever, with_own_analyses
from protocol import EOS, Codec
from recipe import RECIPES
from rows import read_rows
from stream import RecordStream, loader, to_device, to_tensors
from train import Progress, heldout_batches, packed, schedule, smoke_setup

ROLES = ("issue-analysis", "code-generation")
OWN_CHECK_STEPS = 50  # how often the code agent is measured on own analyses that were kept back
OWN_HELDOUT = 1024  # held-out rows on which patches after own analyses are measured
GATE_BIAS = 1.0  # the gate starts mostly open (sigmoid 0.73)


class Agent(nn.Module):
    """One agent's tensors: adapters and gates of every decoder layer, and the role head. It starts without effect (zero up-projections)."""

    def __init__(self, config):
        super().__init__()
        layers, d, r, q = config.decoder_layers, config.hidden_size, config.adapter_rank, config.head_rank
        self.adapter_down = nn.Parameter(torch.randn(layers, d, r) * d**-0.5)
        self.adapter_up = nn.Parameter(torch.zeros(layers, r, d))
        self.gate_w = nn.Parameter(torch.zeros(layers, d))
        self.gate_b = nn.Parameter(torch.full((layers,), GATE_BIAS))
        self.head_down = nn.Parameter(torch.randn(d, q) * d**-0.5)
        self.head_up = nn.Parameter(torch.zeros(q, config.vocab_size))

    def tensors(self, dtype: torch.dtype) -> dict:
        """In the compute dtype; stacked ones as tuples of layers."""
        cast = {name: p.to(dtype) for name, p in self.named_parameters()}
        return {name: t if name.startswith("head") else t.unbind(0) for name, t in cast.items()}


def save_agent(agent: Agent, role: str, path: Path, figures: dict, lineage: dict) -> None:
    """fp16 tensors; the backbone's fingerprint is filled in when the export is done (`bind_agents` in export.py)."""
    metadata = {"format": "1", "agent": role, "backbone": "", "figures": json.dumps(figures), "lineage": json.dumps(lineage)}
    save_file({name: p.detach().half().cpu().contiguous() for name, p in agent.named_parameters()}, path, metadata=metadata)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="released backbone (safetensors)")
    parser.add_argument("--records", type=Path)
    parser.add_argument("--tokenizer", type=Path)
    parser.add_argument("--recipe", choices=RECIPES, default="released", help="what rows are made of (recipe.py)")
    parser.add_argument("--heldout", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--own-analyses", type=int, default=0, metavar="COUNT", help="rows with the agent's own analysis for the code agent (default: none)")
    parser.add_argument("--own-minutes", type=float, default=1.0, help="how long it learns from them, their writing not counted")
    parser.add_argument("--learning-rate", type=float, default=1.5e-3)
    parser.add_argument("--warmup-steps", type=int, default=30)
    parser.add_argument("--source-tokens", type=int, default=Sizes.source_tokens)
    parser.add_argument("--target-tokens", type=int, default=Sizes.target_tokens)
    parser.add_argument("--workers", type=int, default=14)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--smoke", action="store_true", help="tiny model, 12 steps, CPU")
    return parser.parse_args()


def frozen_weights(weights: dict, device, dtype) -> dict:
    """Serving weights on the device in the compute dtype."""
    def move(t: Tensor | None):
        return None if t is None else t.to(device, dtype)

    return {"embedding": move(weights["embedding"]), **{side: [tuple(map(move, layer)) for layer in weights[side]] for side in ("encoder", "decoder")}}


def frozen_backbone(path: Path, device, dtype) -> tuple[Backbone, dict, dict]:
    """(model, serving weights in the compute dtype, notes) of a released file; nothing of it is trained."""
    config, tensors, notes = store.load(path)
    model = Backbone(config)
    model.final_norm.data.copy_(tensors["final_norm"])
    if device.type == "cuda":
        model.attention = flash_attention
    return model.requires_grad_(False).to(device), frozen_weights(store.serving_weights(config, tensors), device, dtype), notes


def main() -> None:
    options = parse_arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() and not options.smoke else "cpu")
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    torch.manual_seed(options.seed)
    progress = Progress(options.out, quiet=False)
    sizes = smoke_setup(options)[1] if options.smoke else Sizes(options.source_tokens, options.target_tokens)
    model, weights, notes = frozen_backbone(options.weights or options.out / "backbone.safetensors", device, dtype)
    codec = Codec(str(options.tokenizer))
    if device.type == "cuda":
        use_gpu_kernels(model)
    agents = {role: Agent(model.config).to(device) for role in ROLES}
    adam = torch.optim.AdamW([p for a in agents.values() for p in a.parameters()], lr=options.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    stream = RecordStream(options.records, options.tokenizer, sizes, ROLES, seed=options.seed, recipe=RECIPES[options.recipe])
    begun, step = None, 0
    for batch in loader(stream, options.workers, pin=device.type == "cuda"):
        share = step / 12 if options.smoke else 0.0 if begun is None else (time.time() - begun) / (options.minutes * 60)
        if share >= 1:
            break
        for group in adam.param_groups:
            group["lr"] = options.learning_rate * schedule(share, step, options.warmup_steps)
        batch, report = to_device(batch, device), {}
        with torch.no_grad():
            memory = model.encode(weights, merged(batch, ROLES[0]))
        for role, agent in agents.items():
            role_batch = merged(batch, role)
            loss, _ = model.score(weights, memory, role_batch, agent.tensors(dtype))
            mean = loss.sum() / (role_batch["label"] >= 0).sum()
            mean.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 1.0)
            report[role] = mean.detach()
        adam.step()
        adam.zero_grad(set_to_none=True)
        step += 1
        if step == 10:
            begun = time.time()
        if step % 50 == 0 or options.smoke:
            progress.report(step=step, **{role: value.item() for role, value in report.items()}, lr=adam.param_groups[0]["lr"])
    if options.own_analyses:
        learn_own_analyses(model, weights, agents, options, stream, codec, sizes, device, dtype, progress)
    finish(model, weights, agents, options, codec, sizes, device, dtype, progress, {"steps": step, "minutes": options.minutes, "seed": options.seed, "backbone": notes})


def learn_own_analyses(model, weights, agents, options, stream, codec, sizes, device, dtype, progress) -> None:
    """Trains the code agent on batches with the analysis agent's own analyses, every other batch with gold ones.

    A few thousand rows are soon learnt by heart: a tenth of them is kept back, and the step that does best on these, after the own analysis and
    without any, is the result. That may be the start.
    """
    analyst, coder = (agents[role] for role in ROLES)
    started = time.time()
    served = {name: p.detach().to(device, dtype)[None] for name, p in analyst.named_parameters()}
    whole = {**weights, "final_norm": model.final_norm}
    samples, heldout = (with_own_analyses(model.config, whole, served, rows, codec, device)
                        for rows in (stream.first(options.own_analyses), list(read_rows(options.heldout, OWN_HELDOUT))))
    progress.report(own_analyses=len(samples), seconds=time.time() - started)
    kept_back = samples[::10]  # they are sorted by length: some of every length
    learnt = [sample for number, sample in enumerate(samples) if number % 10]
    packer = Packer(Symbols(codec.analyse, codec.patch, EOS), sizes, ROLES[1:])
    own = (to_tensors(batch) for batch in pack_all(shuffled_forever(learnt, options.seed), packer))
    judges, judged = (packed(rows, codec, sizes, ROLES[1:]) for rows in (kept_back, heldout))

    def figures(batches: list[dict]) -> dict[str, float]:
        with torch.no_grad():
            return evaluate(model, weights, batches, device, ROLES[1], coder.tensors(dtype))

    progress.report(own_analyses_heldout=len(heldout), measured="before", **figures(judged))
    gold = iter(loader(RecordStream(options.records, options.tokenizer, sizes, ROLES[1:], seed=options.seed + 1, recipe=stream.recipe), options.workers, pin=device.type == "cuda"))
    adam = torch.optim.AdamW(coder.parameters(), lr=options.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    begun, step, best, best_state, best_step = time.time(), 0, math.inf, {}, 0

    def check() -> None:
        nonlocal best, best_state, best_step
        found = figures(judges)
        now = found["patch_given_analysis_ce"] + found["patch_alone_ce"]
        progress.report(own_step=step, lr=adam.param_groups[0]["lr"], own_given=found["patch_given_analysis_ce"], own_alone=found["patch_alone_ce"])
        if now < best:
            best, best_state, best_step = now, {name: p.detach().clone() for name, p in coder.state_dict().items()}, step

    check()
    while (share := step / 12 if options.smoke else (time.time() - begun) / (options.own_minutes * 60)) < 1:
        for group in adam.param_groups:
            group["lr"] = options.learning_rate * schedule(share, step, options.warmup_steps)
        batch = merged(to_device(next(own if step % 2 == 0 else gold), device), ROLES[1])
        with torch.no_grad():
            memory = model.encode(weights, batch)
        loss, _ = model.score(weights, memory, batch, coder.tensors(dtype))
        mean = loss.sum() / (batch["label"] >= 0).sum()
        mean.backward()
        nn.utils.clip_grad_norm_(coder.parameters(), 1.0)
        adam.step()
        adam.zero_grad(set_to_none=True)
        step += 1
        if step % (5 if options.smoke else OWN_CHECK_STEPS) == 0:
            check()
    check()
    coder.load_state_dict(best_state)
    found = figures(judges)
    progress.report(own_best_step=best_step, own_given=found["patch_given_analysis_ce"], own_alone=found["patch_alone_ce"])
    progress.report(own_analyses_heldout=len(heldout), measured="after", **figures(judged))


def finish(model, weights, agents, options, codec, sizes, device, dtype, progress, lineage) -> None:
    """Measures each agent against the bare backbone on the held-out rows and writes the files."""
    batches = heldout_batches(options.heldout, codec, sizes, ROLES)
    for role, agent in agents.items():
        with torch.no_grad():
            rounded = {name: t.half().to(dtype) if torch.is_tensor(t) else tuple(x.half().to(dtype) for x in t) for name, t in agent.tensors(torch.float32).items()}
        figures = {"bare": evaluate(model, weights, batches, device, role), "agent": evaluate(model, weights, batches, device, role, rounded)}
        for name, values in figures.items():
            progress.report(role=role, measured=name, **values)
        save_agent(agent, role, options.out / f"{role}.safetensors", figures, lineage)


if __name__ == "__main__":
    main()
