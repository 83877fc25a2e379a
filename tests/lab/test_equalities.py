"""Every equality that the lab prints, in states that are drawn, typed into a calculator.

Formulas, tables, drawings, sentences and what is read aloud; of the number that is asked, where it
comes from and the difference that a nudge makes. A phone speaks Chinese, a desk English.
"""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parents[1]))  # the calculator of all tests
sys.path.insert(0, str(Path(__file__).parent))
from recorded_runs import trained, watched

from equalities import FUNCTIONS, Equality, equalities, text_of_math
from whygrad.lab.page import as_page
from whygrad.lab.recorded import recording

pytestmark = pytest.mark.long

DRAWS = settings.default.max_examples  # of each room and reader
READERS = (("en", 1280), ("zh-Hans", 390))
ACTIVATIONS = [*FUNCTIONS][:10]
Draw = np.random.Generator
Address = dict[str, Any]

READ = (Path(__file__).parent / "printed.js").read_text("utf-8").rstrip().removesuffix(";")


def read(page, address: Address) -> list[Equality]:
    """Return the equalities that the page prints at an address."""
    step = str(address["step"]) if "step" in address else None
    found = page.evaluate(READ, [urlencode(address), address["room"], step])
    formulas = [*map(text_of_math, found["formulas"]), *map(_without_words, found["spoken"])]
    texts = [found["lines"], *formulas, *_origin(found)]
    return [
        *(one for text in texts for one in equalities(text)),
        *_difference(found["doubt"]),
        *(one for table in found["tables"] for one in _added_up(**table)),
        *(one for drawing in found["sums"] for one in _heard(**drawing)),
    ]


def _without_words(spoken: str) -> str:
    """Return what is read aloud without what each number is called."""
    return re.sub(r"(^|· )[^·=≈]*? (?=[−\d])", r"\1", spoken)


def _origin(found: dict) -> Iterator[str]:
    """Yield where the number that is asked comes from, with the number in place of its symbol."""
    for line in map(text_of_math, found["from"]):
        symbol, _, value = text_of_math(found["value"]).rpartition(" = ")
        is_own = line.startswith((f"{symbol} = ", f"{symbol} ≈ "))
        yield value + line.removeprefix(symbol) if is_own else line


def _difference(doubt: list[str]) -> Iterator[Equality]:
    """Yield what two nudges make of each other."""
    if doubt and not re.search("NaN|∞", "".join(doubt)):
        above, below, ratio, _ = doubt
        yield Equality(f"(({above}) − ({below})) ÷ 2e-5", "=", ratio)


def _added_up(
    terms: list[str], total: tuple[str, str], mean: tuple[str, str] | None
) -> Iterator[Equality]:
    """Yield what the products of a table add up to, and its mean."""
    sign, value = total
    yield Equality(" + ".join(f"({one})" for one in terms), sign[-1], value)
    if mean:
        yield Equality(f"({value}) {mean[0][:-1]}", mean[0][-1], mean[1])


def _heard(values: list[str], signs: list[str]) -> Iterator[Equality]:
    """Yield what listeners, or ways to the loss, add up to, and that times the slope."""
    if values[-2].startswith("× "):
        *values, slope, delta = values
        yield Equality(f"({values[-1]}) {slope}", signs.pop(), delta)
    *parts, total = values
    yield Equality(" + ".join(f"({one})" for one in parts), signs.pop(), total)


# --- states -----------------------------------------------------------------------------------


def some(draw: Draw, least: float, most: float) -> float:
    """Return a number of a control: as often one that a hand sets as any other."""
    value = draw.uniform(least, most)
    return float(round(value, 1) if draw.random() < 0.5 else round(value, 5))


def one_of(draw: Draw, options: Sequence[Any]) -> Any:
    return options[int(draw.integers(len(options)))]


def neuron(draw: Draw) -> Address:
    names = ("preactivation", "output", "loss", "upstream", "slope", "delta")
    return {
        "input": one_of(draw, [0, 1, some(draw, -5, 5), some(draw, -5, 5)]),
        "weight": some(draw, -5, 5),
        "bias": one_of(draw, [-30, some(draw, -3, 3), some(draw, -3, 3)]),
        "target": some(draw, -1, 1),
        "activation": one_of(draw, ACTIVATIONS),
        "hold": draw.integers(2),
        "rate": one_of(draw, [1, 0.3]),
        "step": one_of(draw, [0, 0, draw.integers(1, 6)]),
        "ask": one_of(draw, [*names, "weightGradient", "biasGradient"]),
    }


def forces(draw: Draw) -> Address:
    sizes = (2, 3, 2, 1)
    layer = int(draw.integers(1, 4))
    j, k = draw.integers(sizes[layer - 1]), draw.integers(sizes[layer])
    before, last = layer - 1, layer == 3
    way = "".join(str(draw.integers(n)) for n in sizes[before:])
    names = [f"{name}{layer}{k}" for name in ("u", "a", "z", "slope", "delta", "gb")]
    names += [f"gw{layer}{j}{k}", f"u{before}{j}", f"p{k}{before}{j}", f"way{before}{way}", "C"]
    moved = {f"w{layer}{j}{k}": some(draw, -3, 3), f"b{layer}{k}": some(draw, -2, 2)}
    looks = [f"n{layer}{k}", f"w{layer}{j}{k}", f"n{before}{j}", f"n{before}{j}.paths"]
    return moved | {
        "x0": some(draw, -2, 2),
        "y": one_of(draw, [0, some(draw, -2, 2)]),
        "activation": one_of(draw, ACTIVATIONS),
        "step": one_of(draw, [0, 0, draw.integers(1, 6)]),
        "look": one_of(draw, looks + ["n30"] * last),
        "ask": one_of(draw, names),
    }


def copying(draw: Draw) -> Address:
    width = int(draw.integers(2, 7))
    first, second = draw.integers(1, width + 1, 2)
    rows = ("a", "delta", "dw1", "dw2", "db", "dv")
    return {
        "start": one_of(draw, ["constant", "random", "biases", "out"]),
        "constant": one_of(draw, [0, 0.5, some(draw, -3, 3)]),
        "touch": one_of(draw, [-1, -1, 0, 2]),
        "width": width,
        "activation": one_of(draw, ["tanh", "sigmoid", "relu"]),
        "optimizer": one_of(draw, ["adam", "sgd"]),
        "rate": one_of(draw, [0.05, 0.5]),
        "seed": draw.integers(100),
        "step": one_of(draw, [0, draw.integers(1, 12)]),
        "look": f"{first},{second}",
        "ask": one_of(draw, [*(f"{row}.{first}" for row in rows), "loss"]),
    }


def biases(draw: Draw) -> Address:
    rows = ("flow", "z", "a", "db", "middle")
    return {
        "spread": one_of(draw, [0, 0.1, some(draw, 0, 5)]),
        "width": draw.integers(2, 6),
        "activation": one_of(draw, ["tanh", "sigmoid", "relu"]),
        "rate": one_of(draw, [0.02, 0.1]),
        "seed": draw.integers(100),
        "step": one_of(draw, [0, draw.integers(1, 6)]),
        "look": f"{draw.integers(1, 9)},{draw.integers(1, 3)}",
        "ask": f"{one_of(draw, rows)}.{one_of(draw, ['zero', 'random'])}",
    }


def batch(draw: Draw) -> Address:
    samples = int(draw.integers(2, 9))
    k, j, i = draw.integers(1, 4), draw.integers(1, 3), draw.integers(1, samples + 1)
    names = (f"z{k}{i}", f"a{k}{i}", f"d{k}{i}", f"gb{k}", f"gw{k}{j}", f"nb{k}", "rate")
    moved = {f"x{j}{i}": some(draw, -5, 5), f"w{k}{j}": some(draw, -5, 5)}
    return moved | {
        f"b{k}": some(draw, -3, 3),
        f"y{k}{i}": some(draw, 0, 1),
        "layout": one_of(draw, ["columns", "rows"]),
        "samples": samples,
        "divide": one_of(draw, ["mean", "mean", "sum", "rate"]),
        "keepdims": one_of(draw, [1, 1, 1, 0]),
        "rate": one_of(draw, [1, 0.37]),
        "step": one_of(draw, [0, 0, 1]),
        "ask": one_of(draw, names),
    }


def gpu(draw: Draw) -> Address:
    power = int(one_of(draw, [3, 3, draw.integers(4, 11)]))
    term = draw.integers(2**power)
    rows = [f"{row}_{order}" for row in ("sum", "error", "rounds") for order in ("queue", "tree")]
    return {
        "power": power,
        "cards": one_of(draw, [1, 2, 4, 8]),
        "seed": draw.integers(100),
        "step": one_of(draw, [0, draw.integers(1, 2**power)]),
        "look": f"t{term}",
        "ask": one_of(draw, [*rows, "gradient", f"d{term}"]),
    }


ROOMS: dict[str, Callable[[Draw], Address]] = {
    one.__name__: one for one in (neuron, forces, copying, biases, batch, gpu)
}


def held(page, address: Address) -> list[Equality]:
    """See that every equality at an address holds, and return them all."""
    found = read(page, address)
    assert [one for one in found if not one.holds()] == [], urlencode(address)
    return found


@pytest.mark.parametrize(("language", "width"), READERS)
def test_a_calculator_finds_what_the_rooms_print(show, lab, language, width):
    page = show(lab, f"#lang={language}", width=width, reduced_motion="reduce")
    draw = np.random.default_rng(width)
    signs = set()
    for name, drawn in ROOMS.items():
        found = [one for _ in range(DRAWS) for one in held(page, {"room": name} | drawn(draw))]
        assert found, f"there is nothing to work out in {name}"
        signs |= {one.sign for one in found}
    assert signs == {"=", "≈"}


@pytest.fixture(scope="module", params=[trained, watched], ids=["own", "watched"])
def of_run(request, tmp_path_factory) -> tuple[Path, dict]:
    """Return the page of a run, and what it holds."""
    folder = tmp_path_factory.mktemp("runs")
    run = request.param(folder / "run")
    path = folder / "lab.html"
    path.write_text(as_page(run=run), encoding="utf-8")
    return path, recording(run)


def picked(draw: Draw, told: dict) -> Address:
    """Return a place in a run: a step that is whole, and a neuron, a weight, a sample of it."""
    layer = one_of(draw, told["layers"])
    whole = one_of(draw, told["whole"])
    weight = one_of(draw, ["", "bias", draw.integers(layer["inputs"])])
    return {
        "at": whole["step"] + draw.integers(2),
        "layer": layer["name"],
        "neuron": draw.integers(layer["neurons"]),
        "weight": weight,
        "sample": draw.integers(12),
    }


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("language", "width"), READERS)
def test_a_calculator_finds_what_a_run_prints(show, of_run, language, width):
    path, told = of_run
    page = show(path, f"#lang={language}", width=width, reduced_motion="reduce")
    draw, room = np.random.default_rng(width), {"room": "recorded"}
    found = [one for _ in range(DRAWS) for one in held(page, room | picked(draw, told))]
    assert {one.sign for one in found} == {"=", "≈"}
