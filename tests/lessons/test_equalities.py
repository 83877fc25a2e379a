"""Every equality that a lesson prints, typed into a calculator: Python's own arithmetic.

What stands on both sides of ``=`` is read off the printed text, in both languages; sides with
letters in them are no business of a calculator.
"""

import math
import re
from collections.abc import Iterator

import numpy as np
import pytest

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
DRAWS = 8  # of each lesson's options, for the night


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


NUMBER = r"\d+(?:\.\d+)?"
POWERS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
SUM = re.compile(r"(?<![\w.])[−\d(][-−+·×/()\d. ]*=[-−+·×/()\d.e ]+")  # inside a sentence
RAISED = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+")
KNOWN = {
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "softplus": lambda z: math.log(1 + math.exp(z)),
    "tanh": math.tanh,
    "relu": lambda z: max(0.0, z),
    "identity": lambda z: z,
    "min": min,
    "abs": abs,
}


def calculated(side: str) -> float | None:
    """Return what Python makes of a printed side, None where it holds more than numbers."""
    text = RAISED.sub(lambda found: f"**({found[0].translate(POWERS)})", side.strip())
    text = text.replace("−", "-").replace("·", "*").replace("×", "*")
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)
    text = re.sub(r"(?<=[\d)]) (?=[(\d])", "*", text)  # a factor beside a factor
    words = set(re.findall(r"[^\W\d_]\w*", re.sub(r"\d(e[-+]?\d+)", "", text)))
    if not text or not words <= KNOWN.keys() or re.search(r"[^\w\s.+\-*/(),]", text):
        return None
    try:
        return float(eval(text, {"__builtins__": {}}, KNOWN))
    except (SyntaxError, TypeError, ZeroDivisionError, OverflowError):
        return None


def shown(number: float | None, like: str) -> bool:
    """Return whether a calculator with this number would show what is printed as ``like``."""
    found = re.fullmatch(rf"\(?[−-]?({NUMBER})(?: × 10[⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?\)?", like.strip())
    value = calculated(like)
    assert number is not None
    if found is None or value is None:
        return value is not None and math.isclose(number, value, rel_tol=1e-9, abs_tol=0)
    digits = max(4, len(found[1].replace(".", "").lstrip("0")))
    allowed = 0.5001 * 10.0 ** (math.floor(math.log10(abs(value))) + 1 - digits) if value else 0.0
    return abs(number - value) <= max(allowed, 1e-9 * abs(value))


def equalities(text: str) -> Iterator[tuple[str, str]]:
    """Yield the sides of every ``=`` in a printed formula that are numbers on both sides."""
    for line in re.split(r" {3,}|\n|, (?=[^\d(]*=)", text):
        sides = re.split(r"(=|≈)", line)
        for before, sign, after in zip(sides[::2], sides[1::2], sides[2::2], strict=False):
            if sign == "=" and calculated(before) is not None and calculated(after) is not None:
                yield before, after


def wrong(result) -> list[str]:
    """Return what a calculator refutes of a lesson, in either language."""
    found = []
    for language in ("en", "zh"):
        with speaking(language):
            for block in result.story.blocks:
                if isinstance(block, Formula):
                    text = as_text(filled(block.latex, block.values))
                elif isinstance(block, Say):
                    text = "\n".join(SUM.findall(t(block.key, **block.values)))
                else:
                    continue
                found += [
                    f"{before.strip()} = {after.strip()}"
                    for before, after in equalities(text)
                    if not shown(calculated(before), after)
                ]
    return found


def run(name: str, options: Options):
    return lessons.find(name).start(options).run(lambda share: None)


@pytest.mark.parametrize("name", BY_DAY)
def test_a_calculator_finds_what_is_printed(name):
    assert wrong(run(name, drawn(name, np.random.default_rng(1)))) == []


@pytest.mark.long
@pytest.mark.parametrize("name", [one for one in lessons.NAMES if one not in BY_DAY])
def test_a_calculator_finds_what_the_slower_lessons_print(name):
    assert wrong(run(name, drawn(name, np.random.default_rng(1)))) == []


@pytest.mark.long
@pytest.mark.parametrize("draw", range(DRAWS))
@pytest.mark.parametrize("name", [one for one in BY_DAY if one != "depth"])
def test_a_calculator_finds_what_is_printed_of_any_options(name, draw):
    options = drawn(name, np.random.default_rng(100 + draw))
    assert wrong(run(name, options)) == [], options


def test_the_calculator_can_tell():
    told = Formula(r"a \cdot b = [[a]] \cdot [[b]] = [[c]]", {"a": 0.23324, "b": 3.0, "c": 0.69972})
    assert as_text(filled(told.latex, told.values)) == "a · b = 0.2332 · 3 ≈ 0.6997"
    assert [*equalities("x = 0.2332 · 3 = 0.6997")] == [(" 0.2332 · 3 ", " 0.6997")]
    assert not shown(0.2332 * 3, "0.6997") and shown(0.2332 * 3, "0.6996")
