"""Trains the backbone: issue + code window -> analysis -> patch, quantisation-aware in the last part.

    python train.py --records data/ --tokenizer tokenizer.model --init init/ --heldout heldout.jsonl --out run/ --minutes 22
    torchrun --nproc_per_node 8 train.py …                      # several GPUs: gradients are averaged over ranks
    python train.py --resume model/backbone.safetensors …       # go on from released weights
    python train.py --smoke --out run/                          # tiny model, a few steps on a CPU, made-up records

The length of a run is given in minutes or in steps; learning rate and quantisation follow the share that has passed. The file
`minutes` in the output directory may be edited while it runs. Progress goes to the terminal and to log.jsonl. Every few minutes a
checkpoint is written; started again with the same --out, training goes on from there.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn

import initialise
import store
from batches import Packer, Sizes, Symbols, merged, pack_all
from measure import evaluate
from model import TINY, Backbone, Config, use_gpu_kernels
from protocol import EOS, Codec
from recipe import RECIPES
from rows import read_rows
from stream import RecordStream, loader, to_device, to_tensors

AGREE_STEPS = 4  # how often ranks compare their clocks


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=Path, help="folder with records-*.jsonl or records-*.jsonl.xz")
    parser.add_argument("--tokenizer", type=Path)
    parser.add_argument("--init", type=Path, help="folder written by initialise.py prepare")
    parser.add_argument("--resume", type=Path, help="released weights to go on from (instead of --init)")
    parser.add_argument("--recipe", choices=RECIPES, default="released", help="what rows are made of (recipe.py)")
    parser.add_argument("--heldout", type=Path, help="held-out rows (heldout.jsonl)")
    parser.add_argument("--also", type=Path, help="further rows for the figures at the end")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=22.0, help="training time, compilation not counted")
    parser.add_argument("--steps", type=int, help="length of the run in steps instead of minutes")
    parser.add_argument("--learning-rate", type=float, default=6e-4)
    parser.add_argument("--warmup-steps", type=int, default=150)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--quantised-from", type=float, default=0.6, help="share of the time after which weights pass through the serving quantiser")
    parser.add_argument("--checkpoint-minutes", type=float, default=4.0)
    parser.add_argument("--source-tokens", type=int, default=Sizes.source_tokens)
    parser.add_argument("--target-tokens", type=int, default=Sizes.target_tokens)
    parser.add_argument("--workers", type=int, default=14)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--smoke", action="store_true", help="tiny model, 12 steps, CPU")
    return parser.parse_args()


class Progress:
    """One line per report on the terminal, one JSON line in log.jsonl."""

    def __init__(self, out: Path, quiet: bool):
        self.path, self.quiet, self.start = out / "log.jsonl", quiet, time.time()

    def report(self, **fields) -> None:
        if self.quiet:
            return
        with open(self.path, "a") as file:
            file.write(json.dumps({"time": round(time.time() - self.start, 1), **fields}) + "\n")
        print("  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in fields.items()), flush=True)


def schedule(share: float, step: int, warmup: int) -> float:
    """Linear warm-up by steps, then linear decay to zero over the time."""
    return min(1.0, (step + 1) / warmup) * max(0.0, 1.0 - share)


def optimiser(model: Backbone, learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    """AdamW; weight decay on the matrices only."""
    matrices = [p for name, p in model.named_parameters() if "norm" not in name and name != "embedding"]
    others = [p for name, p in model.named_parameters() if "norm" in name or name == "embedding"]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.95), fused=matrices[0].is_cuda)


def smoke_setup(options: argparse.Namespace) -> tuple[Config, Sizes]:
    """Made-up records and the tiny tokenizer in the output folder."""
    from smoke import write_records

    fixtures = Path(__file__).resolve().parents[2] / "test/fixtures/tiny"
    options.tokenizer, options.records = fixtures / "tokenizer.model", options.out
    options.steps, options.workers, options.warmup_steps, options.heldout = 12, 0, 2, write_records(options.out, fixtures / "tokenizer.model")
    return dataclasses.replace(TINY, weight_bits=4), Sizes(2048, 1024)


def packed(rows: Iterable, codec: Codec, sizes: Sizes, roles: tuple[str, ...] = ("backbone",)) -> list[dict]:
    """Rows (or samples), packed for the given roles."""
    packer = Packer(Symbols(codec.analyse, codec.patch, EOS), sizes, roles)
    return [to_tensors(batch) for batch in pack_all(rows, packer)]


def heldout_batches(path: Path, codec: Codec, sizes: Sizes, roles: tuple[str, ...] = ("backbone",)) -> list[dict]:
    """The held-out rows, packed for the given roles."""
    return packed(read_rows(path), codec, sizes, roles)


def average_gradients(model: nn.Module, world: int) -> None:
    if world > 1:
        for parameter in model.parameters():
            dist.all_reduce(parameter.grad)
            parameter.grad /= world


def save_checkpoint(path: Path, model: Backbone, adam: torch.optim.AdamW, step: int, seconds: float) -> None:
    """Everything needed to go on, under a temporary name first."""
    part = path.with_suffix(".part")
    torch.save({"model": model.state_dict(), "adam": adam.state_dict(), "step": step, "seconds": seconds}, part)
    part.replace(path)


def main() -> None:
    options = parse_arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if torch.cuda.is_available() and not options.smoke else torch.device("cpu")
    if world > 1:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    torch.manual_seed(options.seed)
    progress = Progress(options.out, quiet=rank > 0)

    config, sizes = smoke_setup(options) if options.smoke else (Config(), Sizes(options.source_tokens, options.target_tokens))
    codec = Codec(str(options.tokenizer))
    model = Backbone(config)
    if options.resume:
        released, tensors, _ = store.load(options.resume)
        store.load_into(model, tensors, released.weight_bits)
    elif options.init:
        initialise.load(model, options.init)
    model.to(device)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    if device.type == "cuda":
        use_gpu_kernels(model)
    progress.report(parameters=sum(p.numel() for p in model.parameters()), device=str(device), world=world)

    adam = optimiser(model, options.learning_rate, options.weight_decay)
    checkpoint, step, spent = options.out / "checkpoint.pt", 0, 0.0  # spent: seconds of training before this start
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device)
        model.load_state_dict(state["model"])
        adam.load_state_dict(state["adam"])
        step, spent = state["step"], state["seconds"]
        progress.report(resumed_at_step=step, minutes_done=spent / 60)
    stream = RecordStream(options.records, options.tokenizer, sizes, seed=options.seed + step, share=(rank, world), recipe=RECIPES[options.recipe])
    minutes_file = options.out / "minutes"
    minutes_file.write_text(str(options.minutes))
    minutes, begun, first, tokens, written, agreed_share = options.minutes, None, step, 0, time.time(), 0.0
    midway = options.out / "midway-int8.safetensors"  # a copy to fall back on, from before the rounding begins
    heldout = heldout_batches(options.heldout, codec, sizes) if options.heldout and rank == 0 else []
    for batch in loader(stream, options.workers, pin=device.type == "cuda"):
        batch = to_device(merged(batch, "backbone"), device)
        seconds = spent + (time.time() - begun if begun else 0.0)
        share = step / options.steps if options.steps else seconds / (minutes * 60)
        if world > 1:  # all ranks stop at the same step; asked rarely, because the answer waits for the GPU
            if (step - first) % AGREE_STEPS == 0:
                agreed = torch.tensor([share], device=device)
                dist.broadcast(agreed, 0)
                agreed_share = agreed.item()
            share = agreed_share
        if share >= 1:
            break
        quantised = share >= options.quantised_from
        for group in adam.param_groups:
            group["lr"] = options.learning_rate * schedule(share, step, options.warmup_steps)
        loss, correct = model(model.materialise(dtype, quantised), batch)
        labelled = batch["label"] >= 0
        mean = loss.sum() / labelled.sum()
        mean.backward()
        average_gradients(model, world)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        adam.zero_grad(set_to_none=True)
        step += 1
        tokens += sizes.source_tokens + sizes.target_tokens
        if step == first + 20:  # kernels are compiled: the clock starts
            if device.type == "cuda":
                torch.cuda.synchronize()
            begun, tokens = time.time(), 0
        if step % 100 == 0 or options.smoke:
            speed = tokens * world / (time.time() - begun) if begun else 0.0
            minutes = float(minutes_file.read_text() or minutes)
            accuracy = (correct & labelled).sum() / labelled.sum()
            progress.report(step=step, loss=mean.item(), accuracy=accuracy.item(), lr=adam.param_groups[0]["lr"], quantised=quantised,
                            tokens_per_s=speed, minutes_left=max(0.0, minutes - seconds / 60))
        due = time.time() - written >= options.checkpoint_minutes * 60
        if (due or step % 100 == 0) and not mean.isfinite():  # asked rarely: it waits for the GPU
            raise SystemExit("the loss is not finite: lower --learning-rate")
        if rank == 0 and due:
            save_checkpoint(checkpoint, model, adam, step, spent + (time.time() - begun if begun else 0.0))
            if heldout:  # a point of the learning curve
                with torch.no_grad():
                    progress.report(learning_curve=step, minutes_done=seconds / 60, **evaluate(model, model.materialise(dtype, quantised), heldout, device))
            written = time.time()
        if quantised and rank == 0 and not midway.exists():
            store.save(model, midway, 8)
    if rank == 0:
        store.save(model, options.out / "backbone.safetensors", config.weight_bits, {"steps": step, "minutes": (spent + (time.time() - begun if begun else 0.0)) / 60})
        also = heldout_batches(options.also, codec, sizes) if options.also else []
        for name, rounded in (("float", False), ("served", True)):
            for rows, batches in (("heldout", heldout), ("also", also)):
                if batches:
                    progress.report(weights=name, rows=rows, **evaluate(model, model.materialise(dtype, rounded), batches, device))
    if world > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
