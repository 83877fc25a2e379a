"""What drawings are made of: scales, thinning, cells, and a run too long to draw whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whygrad.render.page.canvas import as_svg, fit_height, panels, styled, whole_steps
from whygrad.render.report import heatmap, timelines
from whygrad.render.report.heatmap import Scale, cells
from whygrad.render.report.material import COLUMNS, Material, Record, envelope, evenly

FIELDS = 6


@given(st.integers(0, 5000), st.integers(1, 400))
def test_even_positions_keep_both_ends(count, most):
    kept = evenly(count, most)
    assert len(kept) == min(count, most)
    assert (np.diff(kept) > 0).all()
    if count and most > 1:
        assert (kept[0], kept[-1]) == (0, count - 1)


@given(st.integers(5, 3000), st.integers(0, 10**6))
def test_an_envelope_keeps_peaks_valleys_and_ends(count, seed):
    y = np.random.default_rng(seed).normal(size=count)
    x, kept = envelope(np.arange(count), y, 100)
    assert len(kept) <= 100
    assert (kept.min(), kept.max()) == (y.min(), y.max())
    assert (kept[0], kept[-1], x[0], x[-1]) == (y[0], y[-1], 0, count - 1)
    assert (y[x] == kept).all()


def test_an_envelope_passes_over_what_is_not_a_number():
    y = np.full(500, np.nan)
    y[250] = 3.0
    x, kept = envelope(np.arange(500), y, 10)
    assert x.tolist() == [0, 250, 499]
    assert kept[1] == 3.0


@given(st.lists(st.floats(1e-20, 1e20), min_size=1, max_size=50))
def test_a_scale_maps_to_the_unit_interval_and_back(values):
    numbers = np.array(values)
    scale = Scale.of(numbers)
    level = scale.level(numbers)
    assert ((level >= 0) & (level <= 1)).all()
    inside = (numbers >= scale.low) & (scale.high > scale.low)
    np.testing.assert_allclose(scale.values(level)[inside], numbers[inside], rtol=1e-6)


def test_a_scale_is_logarithmic_where_numbers_span_much():
    assert not Scale.of(np.array([1.0, 29.0])).is_log
    assert Scale.of(np.array([1.0, 50.0])).is_log
    assert Scale.of(np.array([0.0, np.nan, np.inf])) == Scale(0.0, 0.0, False)


def test_zeros_and_what_is_not_finite_have_colours_of_their_own():
    values = np.array([[0.0, 0.5, 1.0, np.nan, np.inf]])
    zero, half, full, nan, infinite = cells(values, Scale.of(values))[0].tolist()
    assert zero[:3] != full[:3] and zero[3] == 255
    assert half[:3] == full[:3] and half[3] < full[3] == 255
    assert nan == infinite and nan[:3] not in (zero[:3], full[:3])


@pytest.mark.parametrize(
    ("values", "is_log"),
    [
        ([0.0], False),
        ([np.nan], False),
        ([], False),
        ([1.0, 2.0], False),
        ([-5.0, 500.0], False),
        ([1e-9, 1.0], True),
        ([0.0, 0.01, 5.0], True),
        ([1e-30, 1e30], True),
        ([np.inf, 3.0], False),
    ],
)
def test_a_panel_fits_whatever_comes(values, is_log, read):
    with styled("a"):
        drawing, (axes,) = panels([100])
        assert fit_height(axes, np.array(values)) is is_log
        whole_steps(axes)
        low, high = axes.get_ylim()
        read(as_svg(drawing, "a"))
    assert low < high


def test_ids_of_two_drawings_differ(read):
    found = []
    for name in ("a", "b"):
        with styled(name):
            drawing, (axes,) = panels([100])
            axes.plot([1, 2], [3, 4])
            found += [one.attributes.get("id") for one in read(as_svg(drawing, name)).every()]
    ids = [one for one in found if one]
    assert len(ids) == len(set(ids)) > 0


class Long(Material):
    """A run of 10 000 recorded steps on three layers of 1024 neurons, as far as it is drawn."""

    def __init__(self) -> None:
        self.links = None
        generator = np.random.default_rng(0)
        steps = np.linspace(0, 99_990, COLUMNS).astype(int)
        shape = (COLUMNS, FIELDS, 1024)
        self.records = {
            layer: Record(layer, steps, generator.lognormal(size=shape).astype(np.float32), 10_000)
            for layer in ("hidden1", "hidden2", "output")
        }


@pytest.mark.long
def test_a_long_run_is_thinned(read):
    material = Long()
    body = heatmap.section(material).html() + timelines.section(material).html()
    assert len(body) < 2_500_000
    text = read(body).text("zh-Hans")
    assert "neurons shown: 256 of 1024" in text
    assert "of 10000 recorded" in text


def test_gaps_are_left_where_a_recorded_number_is_not_finite(read):
    rows = np.ones((3, FIELDS, 4), np.float32)
    rows[1, 0, 2] = np.inf

    broken = Long()
    broken.records = {"output": Record("output", np.arange(3), rows, 3)}

    (found,) = timelines.quartiles(broken, "upstream")
    assert np.isnan(found.median).tolist() == [False, True, False]
    read(timelines.section(broken).html())
    read(heatmap.section(broken).html())
