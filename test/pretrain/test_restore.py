"""The exported directory gives the released weights back, bit for bit."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
PRETRAIN = ROOT / "training/pretrain"
sys.path.insert(0, str(PRETRAIN))
pytest.importorskip("onnx")

import store  # noqa: E402
from model import TINY, Backbone  # noqa: E402


def run(script: str, *arguments) -> None:
    done = subprocess.run([sys.executable, PRETRAIN / script, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_export_and_back(tmp_path):
    torch.manual_seed(5)
    model = Backbone(TINY)
    with torch.no_grad():
        model.final_norm.add_(torch.randn_like(model.final_norm) / 4)
    store.save(model, tmp_path / "backbone.safetensors", 4)
    run("export.py", "--weights", tmp_path / "backbone.safetensors", "--tokenizer", ROOT / "test/fixtures/tiny/tokenizer.model", "--out", tmp_path / "exported")
    run("restore.py", "--model", tmp_path / "exported", "--out", tmp_path / "again.safetensors")
    config, tensors, notes = store.load(tmp_path / "again.safetensors")
    expected_config, expected, _ = store.load(tmp_path / "backbone.safetensors")
    assert config == expected_config and notes == {"restored": True}
    assert tensors.keys() == expected.keys()
    for name, tensor in expected.items():
        assert tensor.dtype == tensors[name].dtype and torch.equal(tensor, tensors[name]), name


def test_the_served_backbone_is_complete():
    """Every size that config.json names is found in the graphs (the shipped weights)."""
    from restore import restore

    folder = ROOT / "model/artifacts"
    config, tensors = restore(folder)
    assert json.loads((folder / "config.json").read_text())["encoder_layers"] == config.encoder_layers
    assert tensors["encoder_qkv.scales"].shape[0] == config.encoder_layers
    assert tensors["embedding.codes"].shape[0] == config.vocab_size
