"""The training step's graphs against PyTorch's autograd: loss, counts, every gradient, padding, and sums over micro-batches."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "test/fixtures/tiny"
sys.path.insert(0, str(ROOT / "training/pretrain"))
onnxruntime = pytest.importorskip("onnxruntime")


def feeds(rows: list[dict], numbers: list[int]) -> dict[str, np.ndarray]:
    """The graphs' inputs for some rows of the fixture, padded to the longest."""
    golden = load_file(TINY / "golden-step.safetensors")
    source, target = (max(len(row[name]) for row in rows) for name in ("source", "target"))
    count, tokens, batch = max(row["labels"] for row in rows), target - 1, len(rows)
    out = {name: np.zeros((batch, size), np.int64) for name, size in (("input_ids", tokens), ("position_ids", tokens), ("label_index", count), ("labels", count))}
    out["label_weight"] = np.zeros((batch, count), np.float32)
    out["memory_mask"] = np.full((batch, 1, 1, source), -1e9, np.float32)
    out["new_mask"] = np.triu(np.full((1, 1, tokens, tokens), -1e9, np.float32), 1)
    for b, (row, number) in enumerate(zip(rows, numbers)):
        s, t, k = len(row["source"]), len(row["target"]) - 1, row["labels"]
        out["input_ids"][b, :t], out["position_ids"][b, :t] = row["target"][:-1], s + np.arange(t)
        out["label_index"][b, :k], out["labels"][b, :k], out["label_weight"][b, :k] = np.arange(t - k, t), row["target"][-k:], 1
        out["memory_mask"][b, ..., :s] = 0
        for name in (f"memory_{kind}_{j}" for j in range(2) for kind in ("k", "v")):
            memory = golden[f"{name}.{number}"]
            padded = out.setdefault(name, np.zeros((batch, 2, *((16, source) if "_k_" in name else (source, 16))), np.float32))
            padded[b, :, : memory.shape[1], : memory.shape[2]] = memory
    return {**out, **load_file(TINY / "golden-agent.safetensors")}


def run(graph: str, rows: list[dict], numbers: list[int]) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(TINY / graph, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds(rows, numbers))))


@pytest.fixture(scope="module")
def rows():
    return json.loads((TINY / "golden-step.json").read_text())


def test_loss_and_gradients_equal_autograd(rows):
    out = run("training-step.onnx", rows, [0, 1, 2])
    assert np.allclose(out["loss"], [row["loss"] for row in rows], rtol=1e-5)
    assert out["correct"].tolist() == [row["correct"] for row in rows]
    assert out["count"].tolist() == [row["labels"] for row in rows]
    golden = load_file(TINY / "golden-step.safetensors")
    for name in (name for name in golden if name.startswith("grad_")):
        assert np.abs(out[name] - golden[name]).max() <= 1e-4 * np.abs(golden[name]).max(), name


def test_micro_batches_add_up(rows):
    whole, parts = run("training-step.onnx", rows, [0, 1, 2]), [run("training-step.onnx", [row], [number]) for number, row in enumerate(rows)]
    for name in (name for name in whole if name.startswith("grad_")):
        assert np.allclose(whole[name], sum(part[name] for part in parts), atol=1e-5 * np.abs(whole[name]).max()), name


def test_evaluation_is_near_and_counts_the_same_labels(rows):
    out = run("evaluation.onnx", rows, [0, 1, 2])
    assert np.allclose(out["loss"], [row["loss"] for row in rows], rtol=0.01)  # int8 activations
    assert out["count"].tolist() == [row["labels"] for row in rows]


def test_export_changes_nothing_but_its_own_files(tmp_path):
    """The served files stay as they are; config.json names the new ones by their hashes."""
    copy = tmp_path / "tiny"
    shutil.copytree(TINY, copy)
    for name in ("training-step.onnx", "evaluation.onnx"):
        (copy / name).unlink()
    done = subprocess.run([sys.executable, ROOT / "training/pretrain/export_step.py", "--model", copy], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for file in TINY.iterdir():
        if file.suffix in (".bin", ".model") or file.name in ("encoder.onnx", "decoder.onnx"):
            assert (copy / file.name).read_bytes() == file.read_bytes(), file.name
    before, after = (json.loads((folder / "config.json").read_text()) for folder in (TINY, copy))
    before.pop("training")
    training = after.pop("training")
    assert after == before
    for entry in training.values():
        assert hashlib.sha256((copy / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
