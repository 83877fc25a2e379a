"""Labels that are smoothed: in training, in its replay, and in what a ledger prints of them."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))  # the calculator of all tests

import whygrad as wg
from equalities import broken
from whygrad.errors import OptionError
from whygrad.words import speaking

STEPS, RATE, AMOUNT = 5, 0.3, 0.2
Y = {
    "classes": np.arange(12) % 3,
    "binary": np.arange(12) % 2,
    "labels": np.stack([np.arange(12) % 2, np.arange(12) // 6, np.arange(12) % 3 > 0], axis=1),
}


def data_of(task: str) -> wg.Data:
    x = np.random.default_rng(1).normal(size=(12, 2)).astype(np.float32)
    return wg.from_arrays(x, Y[task].astype(int), task=task, validation=0, test=0)


def run_of(task: str, folder: Path) -> wg.Run:
    data = data_of(task)
    network = wg.Network.create([2, data.n_out], seed=1)
    return wg.train(
        network,
        data,
        out=folder,
        optimizer="sgd",
        learning_rate=RATE,
        epochs=STEPS,
        label_smoothing=AMOUNT,
    )


def by_torch(start: wg.Network, data: wg.Data) -> list[np.ndarray]:
    """Train one layer on the whole data by autograd and torch's own smoothing."""
    dense = start["output"]
    w, b = (torch.tensor(np.asarray(one), requires_grad=True) for one in (dense.weight, dense.bias))
    x, y = torch.tensor(data.train.x), torch.tensor(data.train.y)
    for _ in range(STEPS):
        z = x @ w + b
        if data.task == "classes":
            loss = torch.nn.functional.cross_entropy(z, y.long(), label_smoothing=AMOUNT)
        else:
            # as two classes each: the softmax of (0, z) is the sigmoid of z
            two = torch.stack([torch.zeros_like(z), z], dim=-1).reshape(-1, 2)
            loss = z.shape[1] * torch.nn.functional.cross_entropy(
                two, y.reshape(-1).long(), label_smoothing=AMOUNT
            )
        loss.backward()
        with torch.no_grad():
            for one in (w, b):
                one -= RATE * one.grad
                one.grad.zero_()
    return [w.detach().numpy(), b.detach().numpy()]


@pytest.mark.parametrize("task", Y)
def test_training_on_smoothed_labels_is_that_of_torch(task, tmp_path):
    run = run_of(task, tmp_path / "run")
    output = run.network["output"]
    weight, bias = by_torch(run.network_at(0), run.data)
    np.testing.assert_allclose(output.weight, weight, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(output.bias, bias, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("task", Y)
def test_a_ledger_says_how_the_target_came_about(task, language, tmp_path):
    run = run_of(task, tmp_path / "run")
    with speaking(language):
        ledger = run.why("output.bias[0]", step=0, sample=1)
        text = str(ledger)
    assert "y = (1 − 0.2) · " in text and not list(broken(text))
    chain = ledger.chain
    hard = float(run.data.train.y[1].ravel()[0] == 1) if task != "classes" else 0.0
    classes = 3 if task == "classes" else 2
    assert chain.wanted == pytest.approx(hard * 0.8 + 0.2 / classes)
    assert chain.delta == pytest.approx(chain.claim - chain.wanted, abs=1e-6)


def test_the_gradient_of_a_ledger_is_the_mean_of_its_samples(tmp_path):
    """The step that is replayed and the chains of single samples smooth alike."""
    run = run_of("classes", tmp_path / "run")
    chains = [run.why("output.bias[2]", step=1, sample=row).chain for row in range(12)]
    gradient = run.anatomy(1)["output"]
    assert np.mean([one.gradient for one in chains]) == pytest.approx(
        float(np.asarray(gradient.delta)[:, 2].mean()), abs=1e-6
    )


def test_quantities_have_no_labels_to_smooth(tmp_path):
    data = wg.from_arrays(np.eye(6), np.arange(6) / 3, task="numbers", validation=0, test=0)
    with pytest.raises(OptionError) as raised:
        wg.train(wg.Network.create([6, 1]), data, label_smoothing=0.1, out=tmp_path / "run")
    assert str(raised.value) == (
        "The loss squared has no labels that could be smoothed. Set label_smoothing to 0, or use "
        "one of: softmax_cross_entropy, cross_entropy, binary_cross_entropy."
    )
    with speaking("zh"):
        assert "label_smoothing" in str(raised.value)


def test_a_run_of_before_there_was_smoothing_opens(tmp_path):
    run = run_of("classes", tmp_path / "run")
    path = run.path / "run.json"
    told = json.loads(path.read_text())
    assert told["settings"].pop("label_smoothing") == AMOUNT
    from whygrad.record.schema.trained import RUN

    assert RUN({name: value for name, value in told.items() if name != "checksum"}) is None
    assert wg.Settings.from_dict(told["settings"]).label_smoothing == 0
