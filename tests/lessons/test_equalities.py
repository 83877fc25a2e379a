"""Every equality that a lesson prints, typed into a calculator, in both languages."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parents[1]))  # the calculator of all tests

from equalities import Equality, broken
from whygrad import lessons
from whygrad.lessons.rendering.formulas import filled
from whygrad.lessons.story import Formula, Say
from whygrad.render.page.formula import as_text
from whygrad.words import speaking, t

Options = dict[str, object]

QUICK: dict[str, Options] = {
    "depth": {"depth": 3, "width": 6, "batch": 5, "seeds": 2, "steps": 8},
    "constant": {"steps": 40, "width": 4, "depth": 1},
    "zeros": {"steps": 40},
    "symmetry": {"width": 4, "steps": 20, "seeds": 2},
    "detectors": {"width": 4, "epochs": 2, "seeds": 2, "narrow": 8, "wide": 8},
    "biases": {"data": "iris", "width": 4, "epochs": 3, "seeds": 6, "batch": 32},
    "starts": {"data": "iris", "width": 4, "epochs": 3, "seeds": 6, "batch": 32},
    "parallel": {"largest": 12},
}
BY_DAY = ("chain", "flat", "silence", "responsibility", "broadcast", "outer", "zeros", "depth")
DRAWS = settings.default.max_examples  # of each lesson's options, for the night


def drawn(name: str, rng: np.random.Generator) -> Options:
    """Return options of a lesson, drawn where they change what its formulas hold."""
    seed = int(rng.integers(1000))
    one: dict[str, Options] = {
        "chain": {
            **{key: float(rng.normal(0, 2)) for key in ("weight", "bias", "input", "target")},
            "activation": str(rng.choice(["sigmoid", "tanh", "relu", "identity", "softplus"])),
            "loss": str(rng.choice(["squared", "absolute", "huber"])),
        },
        "flat": {"input": float(rng.normal(0, 3)), "upstream": float(rng.uniform(0.1, 3))},
        "silence": {"push": float(rng.uniform(1, 50)), "distance": float(rng.uniform(0, 9))},
        "responsibility": {
            "quiet": float(rng.uniform(0.01, 0.5)),
            "depth": int(rng.integers(1, 4)),
        },
        "broadcast": {"batch": int(rng.integers(1, 20)), "inputs": int(rng.integers(1, 6))},
        "outer": {"batch": int(rng.integers(1, 20)), "inputs": int(rng.integers(1, 6))},
        "constant": {"learning_rate": float(rng.uniform(0.001, 0.1))},
        "zeros": {"bias": float(rng.uniform(0.1, 2)), "share": float(rng.uniform(0.1, 0.9))},
        "depth": {"depth": int(rng.integers(2, 9))},
        "symmetry": {"width": int(rng.integers(2, 9)), "learning_rate": float(rng.uniform(0, 0.2))},
        "parallel": {"largest": int(rng.integers(10, 13))},
    }
    own = {} if name == "flat" else {"seed": seed}
    return QUICK.get(name, {}) | one.get(name, {}) | (own if name != "chain" else {})


def refuted(result) -> list[Equality]:
    """Return what a calculator refutes of a lesson, in either language."""
    found = []
    for language in ("en", "zh"):
        with speaking(language):
            for block in result.story.blocks:
                if isinstance(block, Formula):
                    found += broken(as_text(filled(block.latex, block.values)))
                elif isinstance(block, Say):
                    found += broken(t(block.key, **block.values))
    return found


def run(name: str, options: Options):
    return lessons.find(name).start(options).run(lambda share: None)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", BY_DAY)
def test_a_calculator_finds_what_is_printed(name):
    assert refuted(run(name, drawn(name, np.random.default_rng(1)))) == []


@pytest.mark.long
@pytest.mark.sampled
@pytest.mark.parametrize("name", [one for one in lessons.NAMES if one not in BY_DAY])
def test_a_calculator_finds_what_the_slower_lessons_print(name):
    assert refuted(run(name, drawn(name, np.random.default_rng(1)))) == []


@pytest.mark.long
@pytest.mark.sampled
@pytest.mark.parametrize("draw", range(DRAWS))
@pytest.mark.parametrize("name", [one for one in BY_DAY if one != "depth"])
def test_a_calculator_finds_what_is_printed_of_any_options(name, draw):
    options = drawn(name, np.random.default_rng(100 + draw))
    assert refuted(run(name, options)) == [], options


def test_a_formula_says_what_the_calculator_does():
    told = Formula(r"a \cdot b = [[a]] \cdot [[b]] = [[c]]", {"a": 0.23324, "b": 3.0, "c": 0.69972})
    text = as_text(filled(told.latex, told.values))
    assert text == "a · b = 0.2332 · 3 ≈ 0.6997"
    assert broken(text) == [] != broken(text.replace("≈", "="))
