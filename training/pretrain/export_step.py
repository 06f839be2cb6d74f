"""An exported model directory -> training-step.onnx and evaluation.onnx beside it: what fine-tuning an agent on a CPU needs.

    python export_step.py --model model/artifacts
    python export_step.py --model test/fixtures/tiny --golden test/fixtures/tiny     # and autograd's gradients for the tests

Both graphs take the encoder's memory of B sequences, their decoder tokens, and an agent's six tensors in the shapes of its file. The
evaluation graph computes as the server does (int8 activations) and gives per sequence the summed cross-entropy in nats, the number of
labels that were the likeliest token, and the number of labels. The step graph computes with fp32 activations and gives besides these
the gradients of the cross-entropy summed over all sequences: sums, so that micro-batches add exactly. The matrices are read from the
weight files of decoder.onnx; gradients flow through them by dequantising the same packed codes. Nothing here depends on the data, and
encoder and decoder stay as they are: config.json gets a field `training` with the graphs' names and hashes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

from golden_step import write_golden_step
from step_graph import StepGraph
from step_operators import Backbone

FILES = {"step": "training-step.onnx", "evaluation": "evaluation.onnx"}
FP32, AS_SERVED = 1, 4  # accuracy levels of MatMulNBits


def export(directory: Path) -> None:
    """Writes both graphs and enters them in config.json and SHA256SUMS."""
    backbone = Backbone(directory)
    StepGraph("training-step", backbone, FP32).build(gradients=True).save(directory / FILES["step"])
    StepGraph("evaluation", backbone, AS_SERVED).build(gradients=False).save(directory / FILES["evaluation"])
    hashes = {file: hashlib.sha256((directory / file).read_bytes()).hexdigest() for file in FILES.values()}
    entries = {role: {"file": file, "sha256": hashes[file]} for role, file in FILES.items()}
    config = json.dumps({**backbone.config, "training": entries}, indent=2) + "\n"
    (directory / "config.json").write_text(config)
    sums = dict(reversed(line.split("  ")) for line in (directory / "SHA256SUMS").read_text().splitlines())
    sums |= {**hashes, "config.json": hashlib.sha256(config.encode()).hexdigest()}
    (directory / "SHA256SUMS").write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="directory that export.py wrote")
    parser.add_argument("--golden", type=Path, help="where to write PyTorch's loss and gradients for the tests (default: none)")
    options = parser.parse_args()
    export(options.model)
    if options.golden:
        write_golden_step(options.model, options.golden)
    for file in FILES.values():
        print(f"{(options.model / file).stat().st_size / 1e6:9.3f} MB  {file}")


if __name__ == "__main__":
    main()
