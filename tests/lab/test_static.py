"""The small parts of the lab's JavaScript: numbers, draws, names and sizes."""

import json
import random
import re
from pathlib import Path

import numpy as np
import pytest

import whygrad as wg
from whygrad.core import backprop, factors, optimizer, symmetry
from whygrad.core.nn import activations, boundary, initializers, losses
from whygrad.core.nn.network import Network
from whygrad.errors import OptionError
from whygrad.lab.draws import Draws, create, logarithm
from whygrad.lab.reference import KNOWN, SETTINGS, Scene, reference
from whygrad.record.description import MATCHED
from whygrad.settings import Settings
from whygrad.training import step
from whygrad.words import number

STATIC = Path(wg.__file__).parent / "lab" / "static"
VECTORS = Path(__file__).parents[1] / "vectors" / "numbers.json"
MOST_LINES = 600  # of the only second engine that there is
# what the page has of its own: matrices, its switch of precision, and a step without its trace
OWN = {"matrix", "fromRows", "toRows", "transposed", "exact", "network", "step", "apart"}


def test_numbers_are_written_as_in_the_shared_vectors(node):
    vectors = json.loads(VECTORS.read_text("utf-8"))
    values = [[vector["value"], 4] for vector in vectors]
    assert node("numbers.mjs", values) == [vector["text"] for vector in vectors]


def test_numbers_are_written_as_in_python(node):
    draws = random.Random(18)
    values = [draws.uniform(-10, 10) * 10 ** draws.randint(-12, 12) for _ in range(2000)]
    values += [n / 2**k for k in range(8) for n in range(1, 40000, 37)]  # many of them ties
    values += [round(value, 3) for value in values[:500]] + [5e-324, 1.7976931348623157e308, -0.0]
    asked = [[value, 1 + i % 6] for i, value in enumerate(values)]
    assert node("numbers.mjs", asked) == [number(*one) for one in asked]


INITS = ["normal:0.3", "uniform", "constant:2", "zeros", "he_normal", "glorot_normal"]
INITS += ["lecun_normal", "he_uniform", "glorot_uniform", "lecun_uniform", "normal", "constant"]


def test_draws_are_the_same_in_both_languages(node):
    """To the bit: nobody but whygrad could draw a start again otherwise."""
    seeds = [[0, 0], [1, 0], [0, 1], [123456, 3], [2**31 - 1, 0]]
    sizes, names = [3, 4, 2], ["tanh", "identity"]
    starts = [
        {"sizes": sizes, "activations": names, "init": init, "biasInit": INITS[i - 1], "seed": i}
        for i, init in enumerate(INITS)
    ]
    found = node("draws.mjs", [seeds, starts])
    for seed, numbers in zip(seeds, found["numbers"], strict=True):
        draws = Draws(*seed)
        told = [draws.uniform(size=5), draws.normal(1, 2, 5), draws.uniform(-3, 2, 5)]
        assert numbers == [list(values) for values in told]
    for start, layers in zip(starts, found["networks"], strict=True):
        network = create(
            sizes,
            activations=names,
            init=start["init"],
            bias_init=start["biasInit"],
            seed=start["seed"],
        )
        told = [[np.ravel(dense.weight).tolist(), dense.bias.tolist()] for dense in network.dense]
        assert layers == told
    assert {init.partition(":")[0] for init in INITS} == set(found["initializers"])
    assert set(found["initializers"]) == set(initializers.INITIALIZERS) - {"orthogonal"}


def test_draws_have_the_moments_that_they_should():
    draws = Draws(5)
    normal, uniform = draws.normal(2, 3, (100, 100)), draws.uniform(-1, 1, 10_000)
    assert normal.mean() == pytest.approx(2, abs=0.15) and normal.std() == pytest.approx(
        3, rel=0.03
    )
    assert uniform.mean() == pytest.approx(0, abs=0.03) and np.abs(uniform).max() <= 1
    x = np.random.default_rng(0).uniform(size=1000)
    assert [logarithm(one) for one in x] == pytest.approx(np.log(x), rel=1e-14)


def exported(name: str) -> set[str]:
    """Return the names that a module exports."""
    source = (STATIC / name).read_text("utf-8")
    return set(re.findall(r"^export (?:async )?(?:function|const|class) (\w+)", source, re.M))


def camel(name: str) -> str:
    """Return a Python name as JavaScript writes it; a table keeps its capitals."""
    head, *rest = name.split("_")
    return name if name.isupper() else head + "".join(part.capitalize() for part in rest)


def test_the_engine_has_the_names_of_python():
    homes = (backprop, factors, symmetry, optimizer, step, losses, activations, boundary)
    homes += (Network, backprop.Anatomy, backprop.LayerAnatomy)
    there = {camel(name) for home in homes for name in vars(home)}
    found = exported("engine.js")
    assert found - there == OWN
    assert {"forward", "backward", "gradients", "factors", "takeStep", "clones"} <= found


def test_the_engine_is_small():
    assert len((STATIC / "engine.js").read_text("utf-8").splitlines()) <= MOST_LINES


def rules(table: str) -> list[str]:
    """Return the names of a table of the engine."""
    source = (STATIC / "engine.js").read_text("utf-8")
    body = re.search(rf"^export const {table} = {{\n(.*?)^}};", source, re.M | re.S)[1]
    return re.findall(r"^  (\w+):", body, re.M)


def test_what_python_knows_of_the_engine_is_what_it_has():
    tables = {"activation": "ACTIVATIONS", "loss": "LOSSES", "optimizer": "SCALINGS"}
    assert {what: tuple(rules(table)) for what, table in tables.items()} == KNOWN
    assert set(SETTINGS) <= set(vars(Settings()))
    source = (STATIC / "engine.js").read_text("utf-8")
    for loss in KNOWN["loss"]:
        row = re.search(rf"^  {loss}: {{.*?matched: (\[.*?\])", source, re.M | re.S)[1]
        assert json.loads(row) == [one for one in MATCHED[loss] if one in KNOWN["activation"]]


def test_a_scene_that_the_page_cannot_walk_is_refused():
    x, y = np.array([[0.0, 1.0]]), np.array([[1.0]])
    network = wg.Network.create([2, 3, 1], activation="softsign")
    with pytest.raises(OptionError, match="softsign"):
        Scene(network, x, y)
    plain = wg.Network.create([2, 3, 1], activation="tanh")
    with pytest.raises(OptionError, match="lion"):
        Scene(plain, x, y, Settings(loss="squared", optimizer="lion"))
    with pytest.raises(OptionError, match="huber"):
        Scene(plain, x, y, Settings(loss="huber"))


def test_a_reference_tells_of_few_rows_what_it_computes_of_all():
    network = wg.Network.create([2, 3, 1], activation="tanh")
    x = np.random.default_rng(0).normal(size=(9, 2))
    scene = Scene(network, x, x[:, :1])
    few, whole = reference(scene, steps=2, rows=4), reference(scene, steps=2)
    assert few["layers"][0]["delta"] == whole["layers"][0]["delta"][:4]
    assert few["layers"][0]["gradient"] == whole["layers"][0]["gradient"]
    assert len(few["batch"]["input"]) == 9 and few["rows"] == 4 and whole["rows"] == 9
