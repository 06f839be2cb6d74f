"""An exported model directory -> moe-step.onnx, moe-evaluation.onnx and moe.json: what training the MoE baseline on a CPU needs.

    python export_moe.py --model model/artifacts --out training/moe/graphs
    python export_moe.py --model test/fixtures/tiny --out test/fixtures/tiny-moe --golden test/fixtures/tiny-moe

Both graphs are those of export_step.py with a mixture of experts (`moe_graph.py`) in place of an agent; `top_k` is an input. They name
bytes of the served weight files and hold none, so they are small, and run only beside these files: moe.json ties them to the
backbone's fingerprint. The model directory is only read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

from export_step import AS_SERVED, FP32
from golden_moe import write_golden_moe
from moe_graph import MoeGraph, sizes_of
from step_operators import Backbone

FILES = {"step": "moe-step.onnx", "evaluation": "moe-evaluation.onnx"}


def export(directory: Path, out: Path) -> None:
    """Writes both graphs and moe.json."""
    out.mkdir(parents=True, exist_ok=True)
    backbone = Backbone(directory)
    MoeGraph("moe-step", backbone, FP32).build(gradients=True).save(out / FILES["step"])
    MoeGraph("moe-evaluation", backbone, AS_SERVED).build(gradients=False).save(out / FILES["evaluation"])
    entries = {role: {"file": file, "sha256": hashlib.sha256((out / file).read_bytes()).hexdigest()} for role, file in FILES.items()}
    record = {"format": 1, "fingerprint": backbone.config["fingerprint"], **sizes_of(backbone.config), **entries}
    (out / "moe.json").write_text(json.dumps(record, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="directory that export.py wrote")
    parser.add_argument("--out", type=Path, required=True, help="where to write the graphs")
    parser.add_argument("--golden", type=Path, help="where to write PyTorch's loss and gradients for the tests (default: none)")
    options = parser.parse_args()
    export(options.model, options.out)
    if options.golden:
        write_golden_moe(options.model, options.golden)
    for file in FILES.values():
        print(f"{(options.out / file).stat().st_size / 1e6:9.3f} MB  {file}")


if __name__ == "__main__":
    main()
