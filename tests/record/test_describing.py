"""What is printed of networks, traces, anatomies and factors, in a terminal and in a notebook."""

import jax
import numpy as np
import pytest

import whygrad as wg
from whygrad.record.describing import UNKNOWN
from whygrad.words import number, speaking
from whygrad.words.grid import MOST, Grid


@pytest.fixture(scope="module")
def network() -> wg.Network:
    return wg.Network.create([4, 8, 8, 3], activation="tanh", seed=1)


@pytest.fixture(scope="module")
def trace(network):
    return wg.forward(network, np.linspace(-1, 1, 32 * 4).reshape(32, 4))


@pytest.fixture(scope="module")
def anatomy(network, trace):
    return wg.backward(network, trace, np.arange(32) % 3)


def test_a_network_is_one_line(network):
    assert repr(network) == "Network(4 → 8 tanh → 8 tanh → 3 identity; parameters: 139)"
    with speaking("zh"):
        assert repr(network) == "Network(4 → 8 tanh → 8 tanh → 3 identity；参数：139)"


def test_equal_layers_of_a_deep_network_are_counted():
    deep = wg.Network.create([4, *[8] * 50, 3])
    assert repr(deep).startswith("Network(4 → 50 × (8 relu) → 3 identity;")


def test_a_network_of_shapes_or_of_anything_has_a_line_too(network):
    shapes = jax.eval_shape(lambda: network)
    assert repr(shapes) == repr(network)
    assert "Network" in repr(jax.tree.map(lambda _: None, network))


def test_a_trace_is_a_table_of_shapes_and_sizes(trace):
    title, head, *rows = str(trace).splitlines()
    assert title == "Forward pass: shapes, and mean absolute values"
    assert head.split() == ["layer", "input", "output", "|z|", "|a|"]
    assert [row.split()[0] for row in rows] == ["hidden1", "hidden2", "output"]
    size = number(float(np.abs(np.asarray(trace["hidden2"].output, np.float64)).mean()), 3)
    assert rows[1].split()[-1] == size
    assert repr(trace) == "Trace(hidden1, hidden2, output)"


def test_an_anatomy_is_a_table_with_its_loss(anatomy):
    title, head, *rows = str(anatomy).splitlines()
    assert title.endswith(f"; loss {number(float(anatomy.loss), 3)}")
    assert head.split() == ["layer", "input", "output", "|upstream|", "|slope|", "|delta|"]
    assert rows[-1].split()[-2] == "1"  # loss and activation were taken as one
    assert repr(anatomy) == "Anatomy(hidden1, hidden2, output)"


def test_factors_are_medians_and_multiply_in_the_row_of_the_layer(anatomy):
    factors = wg.factors(anatomy["hidden1"])
    *_, layer = str(factors).splitlines()
    values = [float(value) for value in layer.split()[2:]]
    assert np.prod(values[:4]) == pytest.approx(values[4], rel=0.02)
    assert str(factors.weight).splitlines()[-1].split()[:4] == ["median", "4", "×", "8"]
    assert repr(factors.weight) == "Factors(4 × 8)"
    assert repr(factors).startswith("LayerFactors(weight=Factors(4 × 8), bias=Factors(8)")


def test_where_jax_traces_there_are_shapes_and_no_numbers(network):
    told = []

    @jax.jit
    def walk(x):
        trace = wg.core.backprop.propagate(network, x, None)
        told.append(str(trace))
        return trace.output

    walk(np.ones((2, 4), np.float32))
    assert told[0].splitlines()[-1].split() == [
        "output",
        "2",
        "×",
        "8",
        "2",
        "×",
        "3",
        *UNKNOWN * 2,
    ]


def test_a_notebook_shows_the_same_numbers_in_its_language(trace, anatomy, read):
    for one in (trace, anatomy, wg.factors(anatomy["output"])):
        with speaking("zh"):
            text, html = str(one), one._repr_html_()
        (block,) = read(html).children
        assert block.attributes == {"class": "whygrad-table", "lang": "zh-Hans"}
        cells = [cell.text() for row in block.all("tr") for cell in row.all("td") + row.all("th")]
        assert all(cell in text for cell in cells)


def test_names_in_a_table_are_text_and_harmless(read):
    grid = Grid("<b>\x1b[31m", ("<i>",), (("a\nb & <script>",),))
    assert "\x1b" not in str(grid) and len(str(grid).splitlines()) == 3
    assert "<script>" not in grid._repr_html_()
    assert [one.tag for one in read(grid._repr_html_()).every()].count("b") == 1


def test_of_many_rows_the_first_and_the_last_are_shown():
    grid = Grid("many", ("n",), tuple((str(n),) for n in range(1000)))
    lines = str(grid).splitlines()
    assert len(lines) == 2 + MOST + 1
    assert lines[2] == "0" and lines[-1] == "999" and "…" in lines
