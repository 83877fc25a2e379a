"""The engine of the lab, in JavaScript, against whygrad's own, in Python."""

import json
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from whygrad.lab.draws import in_float64
from whygrad.lab.reference import KNOWN, Scene, reference
from whygrad.settings import Settings

KINDS, DRAWS = 25, 8  # programs that are compiled, and networks that each of them walks
BY_DAY = 3  # of the kinds
WIDTHS, SAMPLES, STEPS = (1, 3, 6), (1, 8), 50  # few shapes: each is compiled
ROUNDING = 1e-12  # relative to the sum of the absolute terms
AFTER = 1e-9  # parameters after all steps: rounding grows on the way
OUTPUTS = {  # activations that can end a network, by loss: matched ones, and others
    "squared": ("identity", "tanh", "relu", "silu"),
    "mean_squared": ("identity", "sigmoid", "gelu", "elu"),
    "softmax_cross_entropy": ("identity", "tanh", "leaky_relu"),
    "binary_cross_entropy": ("sigmoid", "identity", "softplus", "selu"),
}


def drawn(kind: int) -> list[Scene]:
    """Return scenes of one kind: the same shapes, names and optimizer, other numbers."""
    draws = np.random.default_rng([18, kind])
    loss = turn(KNOWN["loss"], kind)
    hidden = int(draws.integers(0, 4)) if kind >= len(KNOWN["activation"]) else 1 + kind % 3
    sizes = [int(n) for n in draws.choice(WIDTHS, size=hidden + 2)]
    names = [turn(KNOWN["activation"], kind + layer) for layer in range(hidden)]
    names.append(str(draws.choice(OUTPUTS[loss])))
    settings = Settings(
        loss=loss,
        optimizer=turn(KNOWN["optimizer"], kind + 2),
        momentum=float(draws.uniform(0, 0.95)),
        beta1=float(draws.uniform(0.5, 0.95)),
        beta2=float(draws.uniform(0.9, 0.999)),
        epsilon=float(draws.choice([1e-8, 1e-3])),
    )
    samples, has_bias = int(draws.choice(SAMPLES)), kind % 5 != 4
    return [
        scene(draws, sizes, names, settings, samples, has_bias, is_weighted=number % 2 == 1)
        for number in range(DRAWS)
    ]


@cache
def told(kind: int) -> list[dict]:
    """Return what whygrad computes of the scenes of one kind."""
    return [reference(one, steps=STEPS) for one in drawn(kind)]


def turn(names: tuple[str, ...], at: int) -> str:
    """Return a name; each comes round."""
    return names[at % len(names)]


def scene(
    draws: np.random.Generator,
    sizes: list[int],
    names: list[str],
    settings: Settings,
    samples: int,
    has_bias: bool,
    is_weighted: bool,
) -> Scene:
    weights = [draws.normal(size=two) / np.sqrt(two[0]) for two in pairwise(sizes)]
    biases = [draws.normal(size=n) / 2 if has_bias else None for n in sizes[1:]]
    rate = float(10 ** draws.uniform(-3, -1))
    return Scene(
        in_float64(weights, biases, names),
        draws.normal(size=(samples, sizes[0])),
        targets(draws, settings.loss, samples, sizes[-1]),
        replace(settings, learning_rate=rate),
        draws.uniform(0, 2, size=samples) if is_weighted else None,
    )


def targets(draws: np.random.Generator, loss: str, samples: int, outputs: int) -> np.ndarray:
    if loss == "softmax_cross_entropy" and outputs > 1:
        return draws.integers(0, outputs, size=samples)
    if loss.endswith("entropy"):
        return draws.integers(0, 2, size=(samples, outputs)).astype(float)
    return draws.normal(size=(samples, outputs))


@pytest.fixture(
    scope="module",
    params=[BY_DAY, pytest.param(KINDS, marks=[pytest.mark.long, pytest.mark.again])],
    ids="{} kinds".format,
)
def kinds(request) -> int:
    return request.param


@pytest.fixture(scope="module")
def walked(kinds, node) -> list[dict]:
    return node("golden.mjs", [one for kind in range(kinds) for one in told(kind)])


def largest(walked: list[dict]) -> dict[str, float]:
    names = {name for one in walked for name in one["differences"]}
    return {name: max(one["differences"].get(name, 0) for one in walked) for name in sorted(names)}


def test_the_drawn_networks_have_everything_that_the_engine_knows():
    scenes = [one for kind in range(KINDS) for one in drawn(kind)]
    assert len(scenes) == 200
    assert {d.activation for one in scenes for d in one.network.dense} == {*KNOWN["activation"]}
    for what in ("loss", "optimizer"):
        assert {getattr(one.settings, what) for one in scenes} == {*KNOWN[what]}
    assert {one.sample_weight is None for one in scenes} == {True, False}
    assert {one.network.dense[0].bias is None for one in scenes} == {True, False}
    assert {len(one.network.dense) for one in scenes} == {1, 2, 3, 4}


def test_both_engines_walk_the_chain_alike(walked):
    found = largest(walked)
    within = {name: off for name, off in found.items() if name not in ("parameters", "losses")}
    assert {name: off for name, off in within.items() if not off <= ROUNDING} == {}
    assert {"preactivation", "output", "upstream", "slope", "delta", "gradient"} <= set(within)
    assert {"factors", "loss"} <= set(within)


def test_both_engines_end_at_the_same_parameters(walked):
    found = largest(walked)
    assert found["parameters"] <= AFTER and found["losses"] <= AFTER


def test_the_badge_tells_the_largest_difference(walked):
    assert [one["same"] for one in walked] == [max(one["differences"].values()) for one in walked]


def test_the_badge_needs_the_numbers_of_few_rows(node):
    scene = next(one for kind in range(BY_DAY) for one in drawn(kind) if len(one.x) > 1)
    few = reference(scene, steps=STEPS, rows=2)
    assert len(few["layers"][0]["delta"]) == 2 < len(few["batch"]["input"])
    wrong = json.loads(json.dumps(few))
    wrong["layers"][0]["delta"][1][0] += 1e-3
    same = [one["same"] for one in node("golden.mjs", [few, wrong])]
    assert same[0] <= AFTER < same[1]


def test_the_badge_hides_no_difference(node):
    """Every number of a reference, turned a little, is noticed."""
    spoilt = [json.loads(json.dumps(told(1)[1])) for _ in range(9)]
    layer = [one["layers"][0] for one in spoilt]
    for one, part in zip(layer, ("preactivation", "output", "upstream", "slope"), strict=False):
        one[part][0][0] += 1e-3
    layer[4]["gradient"]["weight"][0][0] += 1e-3
    layer[5]["factors"]["neuron"]["agreement"][0] += 1e-3
    spoilt[6]["parameters"][0]["weight"][0][0] += 1e-3
    spoilt[7]["losses"][-1] += 1e-3
    layer[8]["delta"] = layer[8]["delta"][:-1]
    # infinitely far is null: JSON has no word for it
    walked = node("golden.mjs", spoilt)
    same = [np.inf if one["same"] is None else one["same"] for one in walked]
    assert [off for off in same[:-1] if not off > 1e-6] == []
    assert same[-1] == np.inf


def test_a_step_back_is_exact(walked):
    assert all(one["back"] for one in walked)


def test_equal_neurons_stay_equal_to_the_bit(node):
    found = node("symmetric.mjs", None)
    assert len(found) == 2 * np.prod([len(names) for names in KNOWN.values()])
    assert min(one["moved"] for one in found) > 1e-3  # they did train
    assert {one["apart"]["hidden1"] for one in found} == {0.0}
    assert {one["apart"]["hidden2"] for one in found} == {0.0}
    assert {tuple(one["width"].values()) for one in found} == {(1, 1)}


@pytest.fixture(scope="module")
def in_float32(node) -> list[tuple[dict, dict]]:
    references = [one for kind in range(BY_DAY) for one in told(kind)]
    return list(zip(references, node("float32.mjs", references), strict=True))


def test_float32_rounds_every_sum(in_float32):
    """The switch of precision, against NumPy's float32, which rounds term by term as well."""
    for scene, found in in_float32:
        assert found["count"] > 0 and found["isFloat32"]
        x, weight = (
            np.array(values, np.float32)
            for values in (scene["batch"]["input"], scene["network"]["weights"][0])
        )
        z = np.zeros((len(x), weight.shape[1]), np.float32)
        for j in range(len(weight)):
            z = z + x[:, [j]] * weight[j]
        if scene["network"]["biases"][0] is not None:
            z = z + np.array(scene["network"]["biases"][0], np.float32)
        assert found["preactivation"] == z.tolist()


def test_float32_is_the_same_walk_but_for_its_rounding(in_float32):
    off = 0.0
    for scene, found in in_float32:
        for exactly, rounded in zip(scene["layers"], found["layers"], strict=True):
            for part in ("upstream", "delta"):
                one, other = np.array(exactly[part]), np.array(rounded[part])
                np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-5 * np.abs(one).max())
                off = max(off, float(np.abs(one - other).max()))
            one, other = np.array(exactly["gradient"]["weight"]), np.array(rounded["gradient"])
            np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-5 * np.abs(one).max() + 1e-7)
    assert off > 1e-9  # it is another precision
