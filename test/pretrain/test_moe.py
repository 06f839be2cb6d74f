"""The mixture's graphs against PyTorch's autograd: loss, routes, balance, every gradient; and its size against two agents'."""

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
TINY, MOE = ROOT / "test/fixtures/tiny", ROOT / "test/fixtures/tiny-moe"
sys.path[:0] = [str(ROOT / "training/pretrain"), str(ROOT / "test/pretrain")]
onnxruntime = pytest.importorskip("onnxruntime")
from moe_graph import shapes_of  # noqa: E402
from test_step import feeds  # noqa: E402

TENSORS = ("expert_down", "expert_up", "router_w", "router_b", "head_down", "head_up")
TOLERANCE = 1e-4  # of a tensor's largest gradient: both sides compute in float32


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The graphs beside the weights that they name."""
    folder = tmp_path_factory.mktemp("moe")
    for file in (*MOE.iterdir(), TINY / "decoder.bin", TINY / "embedding.bin"):
        shutil.copy(file, folder)
    return folder


def run(folder: Path, graph: str, top_k: int, rows: list[dict], numbers: list[int]) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(folder / graph, providers=["CPUExecutionProvider"])
    wanted = {value.name for value in session.get_inputs()}
    inputs = feeds(rows, numbers)
    lengths = np.array([len(row["target"]) - 1 for row in rows])
    inputs["token_weight"] = (np.arange(lengths.max())[None] < lengths[:, None]).astype(np.float32)
    inputs |= {"top_k": np.array([top_k]), "balance_weight": np.array([golden()["balance_weight"]], np.float32)}
    inputs |= {name: load_file(MOE / "golden-moe.safetensors")[name] for name in TENSORS}
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {name: value for name, value in inputs.items() if name in wanted})))


def golden() -> dict:
    return json.loads((MOE / "golden-moe.json").read_text())


@pytest.fixture(scope="module")
def rows():
    return json.loads((TINY / "golden-step.json").read_text())


@pytest.mark.parametrize("top_k", [1, 2])
def test_loss_routes_and_gradients_equal_autograd(folder, rows, top_k):
    out, expected = run(folder, "moe-step.onnx", top_k, rows, [0, 1, 2]), golden()["top_k"][str(top_k)]
    assert np.allclose(out["loss"], [row["loss"] for row in expected["rows"]], rtol=1e-5)
    assert out["correct"].tolist() == [row["correct"] for row in expected["rows"]]
    assert out["routed"].tolist() == [row["routed"] for row in expected["rows"]]
    assert np.allclose(out["balance"], expected["balance"], rtol=1e-5)
    tensors = load_file(MOE / "golden-moe.safetensors")
    worst = {name: np.abs(out[f"grad_{name}"] - tensors[f"grad_{name}.{top_k}"]).max() / np.abs(tensors[f"grad_{name}.{top_k}"]).max() for name in TENSORS}
    print(worst)
    assert max(worst.values()) <= TOLERANCE, worst


@pytest.mark.parametrize("top_k", [1, 2])
def test_evaluation_is_near_and_padding_is_not_routed(folder, rows, top_k):
    out, expected = run(folder, "moe-evaluation.onnx", top_k, rows, [0, 1, 2]), golden()["top_k"][str(top_k)]
    assert np.allclose(out["loss"], [row["loss"] for row in expected["rows"]], rtol=0.02)  # int8 activations
    tokens = [len(row["target"]) - 1 for row in rows]
    assert out["routed"].sum(-1).tolist() == [[top_k * count] * 2 for count in tokens]


def test_as_large_as_two_agents():
    for directory, left_over in ((TINY, 4), (ROOT / "model/artifacts", 24)):
        config = json.loads((directory / "config.json").read_text())
        d, r, q, layers, vocabulary = config["hidden_size"], config["adapter"]["rank"], config["adapter"]["head_rank"], config["decoder_layers"], config["vocab_size"]
        agent = layers * (2 * d * r + d + 1) + q * (d + vocabulary)
        assert sum(int(np.prod(shape)) for shape in shapes_of(config).values()) == 2 * agent + left_over


def test_export_gives_the_committed_files_and_leaves_the_model_alone(tmp_path):
    before = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in TINY.iterdir()}
    done = subprocess.run([sys.executable, ROOT / "training/pretrain/export_moe.py", "--model", TINY, "--out", tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("moe-step.onnx", "moe-evaluation.onnx", "moe.json"):
        assert (tmp_path / name).read_bytes() == (MOE / name).read_bytes(), name
    assert {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in TINY.iterdir()} == before
