"""Six networks whose faults are known: ledger and health must name them, and no other."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

import whygrad as wg
from whygrad.doctor.health import Health, examine_health, health_of, is_still_falling
from whygrad.training.trained import TrainedRun
from whygrad.words import LANGUAGES, speaking, t

SIZES = [64, 32, 32, 10]


def mostly_dead() -> np.ndarray:
    biases = np.zeros(32)
    biases[:26] = -50
    return biases


NETWORKS = {
    "healthy": lambda: wg.Network.create(SIZES),
    "constant": lambda: wg.Network.create(SIZES, init="constant:0.5", bias_init="constant:0.5"),
    "zeros": lambda: wg.Network.create(SIZES, init="zeros"),
    "saturated": lambda: wg.Network.create(SIZES, activation="sigmoid", init="normal:2"),
    "dead": lambda: wg.Network.create(SIZES, bias_init=["constant:-10", "constant:-10", "zeros"]),
    "mostly dead": lambda: wg.Network.create(
        SIZES, bias_init=[mostly_dead(), mostly_dead(), "zeros"]
    ),
}
# (asked about, factor that is the cause, sentence)
CAUSES = {
    "healthy": ("hidden1[3]", None, "cause.none"),
    "zeros": ("hidden1[3]", "upstream", "cause.upstream.zero"),
    "saturated": ("hidden1[3]", "slope", "cause.slope.closed"),
    "dead": ("hidden2[3]", "slope", "cause.slope.zero"),
    "mostly dead": ("hidden1[3]", "slope", "cause.slope.zero"),
}
VERDICTS = {
    "healthy": ["health.layer.well"] * 3,
    "constant": ["health.layer.clones"] * 2 + ["health.layer.well"],
    "saturated": ["health.layer.saturated", "health.layer.well", "health.layer.well"],
}


@pytest.fixture(scope="module")
def digits() -> wg.Data:
    return wg.load("digits")


@pytest.fixture(scope="module")
def explained(digits, tmp_path_factory):
    """Return one step of training of a network, kept."""
    runs = {}

    def of(name: str) -> wg.Run:
        if name not in runs:
            data = digits
            if name == "saturated":
                data = wg.from_arrays(digits.train.x * 50, digits.train.y, standardize=False)
            out = tmp_path_factory.mktemp("faults") / name
            options = {"epochs": 1, "batch_size": 2000, "optimizer": "sgd", "record_every": 1}
            runs[name] = wg.train(NETWORKS[name](), data, out=out, learning_rate=1e-4, **options)
        return runs[name]

    return of


@pytest.mark.long
@pytest.mark.parametrize("name", CAUSES)
def test_the_ledger_names_the_cause(explained, name):
    asked, factor, key = CAUSES[name]
    ledger = explained(name).why(asked, step=0)
    assert ledger.cause[0] == key
    assert [f.name for f in ledger.factors if f.is_cause] == ([factor] if factor else [])


def test_equal_weights_are_clones_whose_upstream_cancels(explained):
    ledger = explained("constant").why("hidden2[3]", step=0)
    assert ledger.clones == tuple(k for k in range(32) if k != 3)
    assert ledger.cause[0] == "cause.upstream.cancelled"


def test_the_healthy_neurons_of_a_healthy_network_are_silent(explained):
    causes = [explained("healthy").why(f"hidden2[{k}]", step=0).cause[0] for k in range(0, 32, 6)]
    assert set(causes) == {"cause.none"}


@pytest.fixture(scope="module")
def health(digits):
    def of(name: str) -> Health:
        x = digits.train.x * (50 if name == "saturated" else 1)
        return examine_health(NETWORKS[name](), x, digits.train.y, "softmax_cross_entropy")

    return of


@pytest.mark.parametrize("name", VERDICTS)
def test_the_health_names_the_fault_of_each_layer(health, name):
    assert [layer.verdict[0] for layer in health(name).layers] == VERDICTS[name]


def test_only_the_healthy_network_is_well(health):
    found = {name: health(name).severity for name in NETWORKS}
    assert {name for name, severity in found.items() if severity != "well"} == {
        *NETWORKS,
    } - {"healthy"}


@pytest.mark.parametrize(("name", "counts"), [("dead", [32, 32]), ("mostly dead", [26, 26])])
def test_dead_neurons_are_counted(health, name, counts):
    layers = health(name).layers[:2]
    for layer, count in zip(layers, counts, strict=True):
        assert count <= len(layer.dead) <= count + 1, "one more may be dead from the start"
        assert set(range(count)) <= set(layer.dead)
        assert layer.severity == "ill"


def test_saturated_neurons_are_not_dead(health):
    layer = health("saturated").layers[0]
    assert len(layer.saturated) > 16 and layer.dead == ()


@pytest.mark.parametrize("name", NETWORKS)
def test_health_is_data_and_words_in_both_languages(health, name):
    found = health(name)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False)) == found.to_dict()
    for language in LANGUAGES:
        with speaking(language):
            for key, values in (found.sentence, *(layer.verdict for layer in found.layers)):
                assert "{" not in t(key, **values)


def test_an_output_that_is_sure_of_itself_is_well(digits):
    network = NETWORKS["healthy"]()
    weights = [np.asarray(d.weight) * (100 if d is network.dense[-1] else 1) for d in network.dense]
    sure = wg.Network.from_arrays(weights, None, activations=["relu", "relu", "identity"])
    found = examine_health(sure, digits.train.x, digits.train.y, "softmax_cross_entropy")
    assert found.layers[-1].severity == "well"


def test_the_health_of_a_run_with_a_loss_of_numbers_on_classes(tmp_path):
    run = wg.train(
        wg.Network.create([4, 3, 3]), wg.load("iris"), loss="squared", epochs=1, out=tmp_path / "a"
    )
    assert health_of(run).samples == 105


def told(losses: list[float]) -> bool:
    """Return what is said of a run that went like this."""
    lines = [
        {"step": i, "epoch": i, "loss": loss, "train_loss": loss} for i, loss in enumerate(losses)
    ]
    part = SimpleNamespace(validation=SimpleNamespace(x=np.zeros((0, 1))))
    run = TrainedRun.__new__(TrainedRun)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainedRun, "history_lines", property(lambda _: lines))
        patch.setattr(TrainedRun, "data", part)
        return is_still_falling(run)


@pytest.mark.parametrize(
    ("losses", "falling"),
    [
        ([8, 7, 6, 5, 4, 3, 2, 1], True),
        ([8, 4, 2, 1, 1, 1, 1, 1], False),
        ([8, 7, 6], False),
        ([], False),
        ([1, 1, 1, 2], False),
        ([1, 1, 1, 0.94], True),
    ],
)
def test_whether_the_loss_still_falls(losses, falling):
    assert told(losses) is falling
