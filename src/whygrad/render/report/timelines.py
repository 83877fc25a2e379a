"""The four factors of every layer over the run: the median neuron, and the middle half."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes

from whygrad.record.fields import FACTORS
from whygrad.render.page.canvas import (
    BLUE,
    ORANGE,
    as_svg,
    fit_height,
    named,
    panels,
    styled,
    whole_steps,
)
from whygrad.render.page.layout import figure, grid, legend, listed, table
from whygrad.render.report.material import Material
from whygrad.render.report.section import Section, unrecorded
from whygrad.render.report.thinning import evenly
from whygrad.words import number, t
from whygrad.words.markup import Markup, both, element, joined, said

HEIGHT = 64
POINTS = 150
TABLE_STEPS = 30
BAND = 0.28  # opacity


@dataclass(frozen=True)
class Quartiles:
    """One factor of a layer's neurons, at each step shown."""

    layer: str
    steps: Int[np.ndarray, " shown"]
    lower: Float[np.ndarray, " shown"]
    median: Float[np.ndarray, " shown"]
    upper: Float[np.ndarray, " shown"]


def section(material: Material) -> Section | None:
    """Return the timelines of the factors."""
    if not material.records:
        return unrecorded("timelines", material)
    drawings = grid(_timeline(material, name) for name in FACTORS)
    return Section("timelines", joined(material.drawn_of(), drawings))


def quartiles(material: Material, factor: str) -> list[Quartiles]:
    """Return the quartiles of a factor, a layer each."""
    found = []
    for layer, record in material.drawn.items():
        shown = evenly(len(record.steps), POINTS)
        values = record.field(factor)[shown].astype(np.float64)
        values[~np.isfinite(values).all(axis=1)] = np.nan  # a gap, instead of a guess
        low, middle, high = np.quantile(values, (0.25, 0.5, 0.75), axis=1)
        found.append(Quartiles(layer, record.steps[shown], low, middle, high))
    return found


def _timeline(material: Material, factor: str) -> Markup:
    layers = quartiles(material, factor)
    has_zeros = any((one.median == 0).any() for one in layers)
    svg, is_log = _drawn(layers, f"timeline-{factor}")
    return figure(
        f"timeline-{factor}",
        svg,
        joined(element("b", said(f"factor.{factor}")), " · ", _caption(layers, factor)),
        up=lambda: t(f"report.scale.{'log' if is_log else 'linear'}", what=t(f"factor.{factor}")),
        legend=_legend(has_zeros),
        numbers=_numbers(layers),
    )


def _drawn(layers: list[Quartiles], name: str) -> tuple[Markup, bool]:
    every = np.concatenate([np.concatenate([q.lower, q.median, q.upper]) for q in layers])
    is_log = False
    with styled(name):
        drawing, axes = panels([HEIGHT] * len(layers))
        for panel, one in zip(axes, layers, strict=True):
            named(panel, one.layer)
            is_log = fit_height(panel, every)
            _draw(panel, one)
            whole_steps(panel, is_labelled=panel is axes[-1])
        return as_svg(drawing, name), is_log


def _draw(axes: Axes, one: Quartiles) -> None:
    floor = axes.get_ylim()[0]
    low, high = np.maximum(one.lower, floor), np.maximum(one.upper, floor)
    axes.fill_between(one.steps, low, high, color=BLUE, alpha=BAND, linewidth=0)
    if len(one.steps) == 1:  # a band without length would not show
        axes.vlines(one.steps, low, high, color=BLUE, alpha=BAND, linewidth=8)
    marker = "o" if len(one.steps) <= 30 else None
    line = np.where(one.median > 0, one.median, np.nan)
    axes.plot(one.steps, line, color=BLUE, marker=marker, markersize=3)
    zeros = one.steps[one.median == 0]
    at = np.full(len(zeros), floor)
    axes.plot(zeros, at, color=ORANGE, marker="x", markersize=5, linestyle="none", clip_on=False)


def _caption(layers: list[Quartiles], factor: str) -> Markup:
    return both(lambda: _in_words(layers, factor))


def _in_words(layers: list[Quartiles], factor: str) -> str:
    ends = listed(f"{one.layer} {number(one.median[-1])}" for one in layers)
    return t("report.timelines.caption", ends=ends, meaning=t(f"factor.{factor}.meaning"))


def _legend(has_zeros: bool) -> Markup:
    entries = [
        ("train_loss", said("report.timelines.median")),
        ("band", said("report.timelines.band")),
    ]
    return legend(entries + [("zero", said("report.timelines.zero"))] * has_zeros)


def _numbers(layers: list[Quartiles]) -> Markup:
    steps = np.unique(np.concatenate([one.steps for one in layers]))
    head = [said("report.word.step"), *(one.layer for one in layers)]
    shown = steps[evenly(len(steps), TABLE_STEPS)]
    return table(head, [[str(step), *(_cell(one, step) for one in layers)] for step in shown])


def _cell(one: Quartiles, step: int) -> str:
    """Return the numbers of a step; nothing where the layer had no part in it."""
    if step not in one.steps:
        return ""
    i = int(np.searchsorted(one.steps, step))
    return f"{number(one.median[i])} ({number(one.lower[i], 3)} … {number(one.upper[i], 3)})"
