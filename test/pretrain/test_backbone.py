"""The backbone in PyTorch: packed equals padded, gradients of the key layout, the quantiser, the released file."""

import dataclasses
import random
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "training/pretrain"))

import dense  # noqa: E402
import store  # noqa: E402
from batches import Packer, Sizes, Symbols, merged, sequences  # noqa: E402
from model import TINY, Backbone, MergeKeys  # noqa: E402
from quantise import fake_quantise, pack_nibbles, quantise, unpack_nibbles  # noqa: E402
from stream import to_tensors  # noqa: E402

ROLES = ("backbone", "issue-analysis", "code-generation")
SYMBOLS = Symbols(analyse=16, patch=17, eos=2)


@pytest.fixture(scope="module")
def packed():
    """A tiny backbone, seven random samples and their packed batch for all roles."""
    rng = random.Random(0)
    torch.manual_seed(0)

    def ids(low, high):
        return [rng.randrange(30, 1000) for _ in range(rng.randint(low, high))]

    samples = [SimpleNamespace(source_ids=ids(20, 90), analysis_ids=ids(5, 20), patch_ids=ids(5, 20), kind=rng.choice(["commit", "injected"])) for _ in range(7)]
    packer = Packer(SYMBOLS, Sizes(1024, 600), ROLES)
    assert all(packer.add(sample) is None for sample in samples)
    return Backbone(TINY), samples, to_tensors(packer.finish())


def random_agent():
    return {name: torch.randn(t.shape) * 0.1 for name, t in dense.bare_agent(TINY).items()}


@pytest.mark.parametrize("role", ROLES)
def test_packed_losses_equal_padded_ones(packed, role):
    model, samples, batch = packed
    agent = random_agent()
    layered = {name: t[0] if name.startswith("head") else t[0].unbind(0) for name, t in agent.items()}
    part = merged(batch, role)
    loss, _ = model(model.materialise(torch.float32, True), part, layered)
    weights = store.serving_weights(TINY, store.released_tensors(model, 4))
    hidden, number = torch.full((1, 1, 1, 1), dense.MASKED), 0
    empty = [(torch.zeros(1, 2, 16, 1), torch.zeros(1, 2, 1, 16))] * 2
    for sample in samples:
        source = torch.tensor([sample.source_ids])
        memory = dense.encode(TINY, weights, source, torch.zeros(1, 1, 1, source.shape[1]))
        for ids, segments in sequences(sample, SYMBOLS, role):
            target, order = torch.tensor([ids[:-1]]), torch.arange(len(ids) - 1)[None]
            causal = torch.full((order.shape[1],) * 2, dense.MASKED).triu(1)[None, None]
            logits, _, _ = dense.decode(TINY, weights, agent, memory, torch.zeros(1, 1, 1, 1), empty, hidden, target, source.shape[1] + order, causal, order)
            expected = torch.nn.functional.cross_entropy(logits[0], torch.tensor(ids[1:]), reduction="none") * (torch.tensor(segments[1:]) > 0)
            start, end = part["target_cu"][number : number + 2].tolist()
            torch.testing.assert_close(loss[start:end], expected, atol=1e-4, rtol=1e-4)
            number += 1


def test_key_layout_has_the_gradients_of_plain_indexing(packed):
    part = merged(packed[2], "backbone")
    layout = [part[name] for name in ("key_index", "first_use", "second_use", "own_use")]
    weight = torch.randn(len(layout[0]), 2, 3)
    gradients = []
    for merge in (lambda m, o: MergeKeys.apply(m, o, *layout), lambda m, o: torch.cat((m, o))[layout[0]]):
        torch.manual_seed(1)
        memory, own = torch.randn(1024, 2, 3, requires_grad=True), torch.randn(600, 2, 3, requires_grad=True)
        (merge(memory, own) * weight).sum().backward()
        gradients.append((memory.grad, own.grad))
    torch.testing.assert_close(gradients[0], gradients[1])


@pytest.mark.parametrize("bits,worst", [(4, 0.10), (8, 0.007)])
def test_quantiser_is_close_and_stable(bits, worst):
    torch.manual_seed(0)
    weight = torch.randn(3, 40, 64)
    rounded = fake_quantise(weight, bits)
    assert (rounded - weight).norm() / weight.norm() < worst
    torch.testing.assert_close(fake_quantise(rounded, bits), rounded, atol=2e-3, rtol=1e-3)
    assert not fake_quantise(torch.zeros(2, 32), bits).any()
    codes, _ = quantise(weight, 4)
    assert torch.equal(unpack_nibbles(pack_nibbles(codes)), codes)


def test_released_file_gives_the_same_weights_back(packed, tmp_path):
    model = packed[0]
    store.save(model, tmp_path / "backbone.safetensors", 8, {"steps": 3})
    config, tensors, notes = store.load(tmp_path / "backbone.safetensors")
    assert notes == {"steps": 3} and config == dataclasses.replace(TINY, weight_bits=8)
    other = Backbone(config)
    store.load_into(other, tensors, config.weight_bits)
    for side, last in (("encoder", -1), ("decoder", None)):
        torch.testing.assert_close(other.folded(side, "down")[:last], fake_quantise(model.folded(side, "down"), 8)[:last])
