"""The whole training path on the tiny model: train, go on from a checkpoint, train agents, generate, export."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRETRAIN = ROOT / "training/pretrain"


def run(script: str, *arguments: str) -> list[str]:
    script = script if script.startswith("-") else PRETRAIN / script
    done = subprocess.run([sys.executable, script, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def log(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def test_a_file_that_is_still_arriving_and_a_broken_record_are_left_out(tmp_path, capfd):
    sys.path.insert(0, str(PRETRAIN))
    from batches import Sizes
    from smoke import write_records
    from stream import RecordStream

    tokenizer = ROOT / "test/fixtures/tiny/tokenizer.model"
    write_records(tmp_path, tokenizer, count=60, heldout=0)
    whole = (tmp_path / "records-00.jsonl.xz").read_bytes()
    (tmp_path / "records-01.jsonl.xz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "records-02.jsonl").write_text('{"repo": "cut off\n{"subject": "no more than this"}\n')
    batch = next(iter(RecordStream(tmp_path, tokenizer, Sizes(2048, 1024))))
    assert (batch["backbone"]["label"] >= 0).any()
    reported = capfd.readouterr().err
    assert "not yet readable" in reported and "records-01" in reported


def test_two_processes_train_one_model(tmp_path):
    both = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", PRETRAIN / "train.py")
    run(*both, "--smoke", "--out", tmp_path)
    losses = [row["loss"] for row in log(tmp_path) if "loss" in row]
    assert len(losses) == 12 and losses[-1] < losses[0], "one report a step, of the first process alone"
    assert sum(row.get("weights") == "served" for row in log(tmp_path)) == 1


def test_from_records_to_a_served_directory(tmp_path):
    run("train.py", "--smoke", "--out", tmp_path, "--checkpoint-minutes", 0)
    curve = [row["patch_alone_ce"] for row in log(tmp_path) if "learning_curve" in row]
    assert len(curve) == 12 and curve[-1] < curve[0]
    losses = [row["loss"] for row in log(tmp_path) if "loss" in row]
    assert len(losses) == 12 and losses[-1] < losses[0]
    served = next(row for row in log(tmp_path) if row.get("weights") == "served")

    run("train.py", "--smoke", "--out", tmp_path)  # the checkpoint is of the last step: nothing is left to train
    assert any(row.get("resumed_at_step") == 12 for row in log(tmp_path))
    assert sum("loss" in row for row in log(tmp_path)) == 12
    again = [row for row in log(tmp_path) if row.get("weights") == "served"][-1]
    assert {k: v for k, v in again.items() if k != "time"} == {k: v for k, v in served.items() if k != "time"}

    run("train_agents.py", "--smoke", "--out", tmp_path, "--own-analyses", 24)
    before, after = (row for row in log(tmp_path) if "own_analyses_heldout" in row)
    assert after["patch_given_analysis_ce"] < before["patch_given_analysis_ce"], "nothing was learnt from own analyses"
    checks, best = [row for row in log(tmp_path) if "own_step" in row], next(row for row in log(tmp_path) if "own_best_step" in row)
    assert [row["own_step"] for row in checks] == [0, 5, 10, 12]
    assert best["own_given"] + best["own_alone"] == min(row["own_given"] + row["own_alone"] for row in checks), "not the best step is kept"
    for role in ("issue-analysis", "code-generation"):
        figures = [row for row in log(tmp_path) if row.get("role") == role]
        part = "analysis_ce" if role == "issue-analysis" else "patch_alone_ce"
        assert figures[1][part] < figures[0][part], "the agent is no better than the bare backbone"

    tokenizer = ROOT / "test/fixtures/tiny/tokenizer.model"
    whole = ("--weights", tmp_path / "backbone.safetensors", "--tokenizer", tokenizer, "--heldout", tmp_path / "heldout.jsonl")
    before = (tmp_path / "code-generation.safetensors").read_bytes()
    factors = run("scale_agent.py", *whole[:4], "--records", tmp_path, "--agents", tmp_path, "--role", "code-generation", "--rows", 6)
    losses = {float(line.split()[0]): sum(float(line.split()[i]) for i in (3, 6)) for line in factors[:-1]}
    assert len(losses) == 7 and factors[-1] == f"best {min(losses, key=losses.get)}"
    assert (tmp_path / "code-generation.safetensors").read_bytes() == before, "it only tells"
    run("layer_drop.py", *whole, "--out", tmp_path, "--rows", 4, "--most", 2, "--exact-rows", 0)
    rows = json.loads((tmp_path / "layer-drop.json").read_text())
    assert [row["what"] for row in rows] == ["none", "alone", "alone", "together", "together", "together"]
    assert rows[3]["patch_alone_ce"] == rows[0]["patch_alone_ce"] and len(rows[5]["layers"]) == 2
    exact = json.loads(run("generate.py", "--weights", tmp_path / "backbone.safetensors", "--tokenizer", tokenizer, "--heldout",
                           tmp_path / "heldout.jsonl", "--out", tmp_path, "--agents", tmp_path, "--rows", 1, "--max-tokens", 12)[-1])
    assert exact["commit"]["rows"] == 1
    out = tmp_path / "artifacts"
    run("export.py", "--weights", tmp_path / "backbone.safetensors", "--tokenizer", tokenizer, "--out", out, "--agents", tmp_path, "--agents-out", tmp_path / "files")
    assert {"encoder.onnx", "decoder.onnx", "config.json", "SHA256SUMS"} <= {file.name for file in out.iterdir()}
    assert (tmp_path / "files/code-generation.safetensors").exists()
    run("export_step.py", "--model", out)
    assert (out / "training-step.onnx").exists() and "evaluation.onnx" in (out / "SHA256SUMS").read_text()
