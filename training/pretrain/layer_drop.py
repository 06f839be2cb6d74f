"""What the encoder loses when layers are left out, without training afterwards: the curve that says whether any can go.

    python layer_drop.py --weights backbone.safetensors --tokenizer tokenizer.model --heldout heldout.npz --out run/ [--rows 512] [--most 8] [--exact-rows 256]

First each layer alone, then one after the other the layer whose loss costs least. A layer that is left out still gives its keys and values to a
decoder layer where it has one; its attention and feed-forward block add nothing to the residual stream. Writes layer-drop.json.
"""

from __future__ import annotations

import argparse
import json
from itertools import islice
from pathlib import Path

import torch

import dense
from batches import CPU_SIZES, Sizes
from generate import exact_matches
from measure import evaluate
from protocol import Codec
from rows import read_rows
from train import packed
from train_agents import frozen_backbone


def without(weights: dict, layers: list[int]) -> dict:
    """The weights with output and down projections of these encoder layers at zero."""
    def emptied(layer: tuple) -> tuple:
        qkv, o, gate_up, down = layer
        return qkv, torch.zeros_like(o), gate_up, torch.zeros_like(down)

    return {**weights, "encoder": [emptied(layer) if number in layers else layer for number, layer in enumerate(weights["encoder"])]}


def first_rows(path: Path, kind: str, count: int) -> list:
    """The first rows of a kind."""
    return list(islice((row for row in read_rows(path) if row.kind.startswith(kind)), count))


@torch.no_grad()
def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("weights", "tokenizer", "heldout", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=512, help="rows of each kind")
    parser.add_argument("--most", type=int, default=8, help="layers left out in the end")
    parser.add_argument("--exact-rows", type=int, default=256, help="rows of each kind whose patches are written, for every second number of layers")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    (model, weights, _), codec = frozen_backbone(options.weights, device, dtype), Codec(str(options.tokenizer))
    config, whole = model.config, {**weights, "final_norm": model.final_norm}
    rows_of_both = [row for kind in ("commit", "injected") for row in first_rows(options.heldout, kind, options.rows)]
    batches = packed(rows_of_both, codec, Sizes() if device.type == "cuda" else CPU_SIZES)

    def measured(layers: list[int]) -> dict[str, float]:
        return evaluate(model, without(whole, layers), batches, device)

    def told(what: str, layers: list[int], figures: dict[str, float]) -> dict:
        row = {"what": what, "layers": layers, **figures}
        print(json.dumps({name: round(value, 4) if isinstance(value, float) else value for name, value in row.items()}), flush=True)
        return row

    rows = [told("none", [], measured([]))]
    # Nobody reads what the last layer adds to the residual stream.
    rows += [told("alone", [layer], measured([layer])) for layer in range(config.encoder_layers - 1)]
    order = sorted(rows[1:], key=lambda row: row["patch_alone_ce"])
    left_out: list[int] = []
    for number in range(options.most + 1):
        if number:
            # Of the few that cost least alone the one that costs least now.
            few = [row["layers"][0] for row in order if row["layers"][0] not in left_out][:4]
            layer = min(few, key=lambda layer: measured([*left_out, layer])["patch_alone_ce"])
            left_out.append(layer)
        figures = measured(left_out)
        if options.exact_rows and number % 2 == 0:
            bare = dense.bare_agent(config, device, dtype)
            for kind in ("commit", "injected"):
                shares, _ = exact_matches(config, without(whole, left_out), (bare, bare), first_rows(options.heldout, kind, options.exact_rows), codec, device, 256)
                figures |= {f"{kind}_exact_{mode}": share for mode, share in shares.items()}
        rows.append(told("together", list(left_out), figures))
    (options.out / "layer-drop.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
