"""The engine of the lab, in JavaScript, against whygrad's own, in Python."""

import json
import shutil
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import whygrad as wg
from whygrad.core.symmetry import effective_width
from whygrad.lab.reference import KNOWN, Scene, reference
from whygrad.settings import Settings

HERE = Path(__file__).parent
KINDS, DRAWS = 25, 8  # programs that are compiled, and networks that each of them walks
STEPS = 50
ROUNDING = 1e-12  # relative to the sum of the absolute terms
AFTER = 1e-9  # parameters after all steps: rounding grows on the way
OUTPUTS = {  # activations that can end a network, by loss: matched ones, and others
    "squared": ("identity", "tanh", "relu", "silu"),
    "mean_squared": ("identity", "sigmoid", "gelu", "elu"),
    "softmax_cross_entropy": ("identity", "tanh", "leaky_relu"),
    "binary_cross_entropy": ("sigmoid", "identity", "softplus", "selu"),
}


def node(script: Path, *arguments: object) -> Any:
    """Return what a script prints, read as JSON."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("there is no node on this machine, which runs the engine of the lab")
    command = [program, str(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def golden(references: list[dict], folder: Path) -> list[dict]:
    """Return how far the engine of the lab is from each reference."""
    path = folder / "references.json"
    path.write_text(json.dumps(references, allow_nan=False))
    return node(HERE / "golden.mjs", path)


def drawn(kind: int) -> list[Scene]:
    """Return scenes of one kind: the same shapes, names and optimizer, other numbers."""
    draws = np.random.default_rng([18, kind])
    pick = lambda names, at: names[at % len(names)]  # noqa: E731 - each name comes round
    loss = pick(KNOWN["loss"], kind)
    hidden = int(draws.integers(0, 4)) if kind >= len(KNOWN["activation"]) else 1 + kind % 3
    sizes = [int(n) for n in draws.integers(1, 7, size=hidden + 2)]
    names = [pick(KNOWN["activation"], kind + layer) for layer in range(hidden)]
    names.append(str(draws.choice(OUTPUTS[loss])))
    settings = Settings(
        loss=loss,
        optimizer=pick(KNOWN["optimizer"], kind // len(KNOWN["loss"])),
        momentum=float(draws.uniform(0, 0.95)),
        beta1=float(draws.uniform(0.5, 0.95)),
        beta2=float(draws.uniform(0.9, 0.999)),
        epsilon=float(draws.choice([1e-8, 1e-3])),
    )
    samples, has_bias = int(draws.integers(1, 10)), kind % 5 != 4
    return [
        scene(draws, sizes, names, settings, samples, has_bias, is_weighted=number % 2 == 1)
        for number in range(DRAWS)
    ]


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
    biases = [draws.normal(size=n) / 2 for n in sizes[1:]] if has_bias else None
    rate = float(10 ** draws.uniform(-3, -1))
    with jax.enable_x64(True):
        return Scene(
            wg.Network.from_arrays(weights, biases, activations=names),
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


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [one for kind in range(KINDS) for one in drawn(kind)]


@pytest.fixture(scope="module")
def walked(scenes, tmp_path_factory) -> list[dict]:
    references = [reference(one, steps=STEPS) for one in scenes]
    return golden(references, tmp_path_factory.mktemp("golden"))


def test_the_drawn_networks_have_everything_that_the_engine_knows(scenes):
    assert len(scenes) == 200
    assert {d.activation for one in scenes for d in one.network.dense} == {*KNOWN["activation"]}
    for what in ("loss", "optimizer"):
        assert {getattr(one.settings, what) for one in scenes} == {*KNOWN[what]}
    assert {one.sample_weight is None for one in scenes} == {True, False}
    assert {one.network.dense[0].bias is None for one in scenes} == {True, False}
    assert {len(one.network.dense) for one in scenes} == {1, 2, 3, 4}


def largest(walked: list[dict]) -> dict[str, float]:
    names = {name for one in walked for name in one["differences"]}
    return {name: max(one["differences"].get(name, 0) for one in walked) for name in sorted(names)}


def test_both_engines_walk_the_chain_alike(walked):
    found = largest(walked)
    print(found)
    within = {name: off for name, off in found.items() if name not in ("parameters", "losses")}
    assert {name: off for name, off in within.items() if not off <= ROUNDING} == {}
    assert {"preactivation", "output", "upstream", "slope", "delta", "gradient"} <= set(within)
    assert {"factors", "loss"} <= set(within)


def test_both_engines_end_at_the_same_parameters(walked):
    found = largest(walked)
    assert found["parameters"] <= AFTER and found["losses"] <= AFTER


def test_a_step_back_is_exact(walked):
    assert all(one["back"] for one in walked)
