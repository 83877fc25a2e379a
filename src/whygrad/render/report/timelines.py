"""How the layers went over the run: their factors, and how many different neurons they had."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int
from matplotlib.ticker import FuncFormatter, MaxNLocator

from whygrad.record.address import Address
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
from whygrad.render.page.layout import figure, grid, legend, listed, note
from whygrad.render.report.in_lab import in_lab
from whygrad.render.report.material import Material, Record, evenly
from whygrad.render.report.section import Section, step_table, unrecorded
from whygrad.words import number, t
from whygrad.words.markup import Markup, both, element, joined, said

if TYPE_CHECKING:
    from whygrad.core.symmetry import CloneGroup

HEIGHT = 64
POINTS = 150
TABLE_STEPS = 30
BAND = 0.28  # opacity
GROUPS, NEURONS = 8, 16  # that are listed at most


@dataclass(frozen=True)
class Quartiles:
    """One factor of a layer's neurons, at each step shown."""

    layer: str
    steps: Int[np.ndarray, " shown"]
    lower: Float[np.ndarray, " shown"]
    median: Float[np.ndarray, " shown"]
    upper: Float[np.ndarray, " shown"]

    def by_step(self) -> dict[int, tuple[float, float, float]]:
        """Return the three at each step, the median first."""
        three = zip(self.median.tolist(), self.lower.tolist(), self.upper.tolist(), strict=True)
        return dict(zip(self.steps.tolist(), three, strict=True))


def section(material: Material) -> Section | None:
    """Return the four factors of every layer: the median neuron, and the middle half."""
    if not material.records:
        return unrecorded("timelines", material)
    drawings = grid(_timeline(material, name) for name in FACTORS)
    return Section("timelines", joined(material.drawn_of(), _in_lab(material), drawings))


def _in_lab(material: Material) -> Markup | None:
    """Return links to every layer that is drawn, at the last step of its timeline."""
    links = material.links
    if links is None:
        return None
    return in_lab(
        [
            links.to_place(Address(layer), int(record.steps[-1]))
            for layer, record in material.drawn.items()
        ]
    )


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
    entries = [
        ("train_loss", said("report.timelines.median")),  # drawn alike
        ("band", said("report.timelines.band")),
    ]
    if any((one.median == 0).any() for one in layers):
        entries.append(("zero", said("report.timelines.zero")))
    svg, is_log = _drawn(layers, f"timeline-{factor}")

    def caption() -> str:
        ends = listed(f"{one.layer} {number(one.median[-1])}" for one in layers)
        return t("report.timelines.caption", ends=ends, meaning=t(f"factor.{factor}.meaning"))

    def three(cell: tuple[float, float, float]) -> str:
        middle, low, high = cell
        return f"{number(middle)} ({number(low, 3)} … {number(high, 3)})"

    step_written = str if material.links is None else material.links.to_step
    columns = {one.layer: one.by_step() for one in layers}
    return figure(
        f"timeline-{factor}",
        svg,
        joined(element("b", said(f"factor.{factor}")), " · ", both(caption)),
        up=lambda: t(f"report.scale.{'log' if is_log else 'linear'}", what=t(f"factor.{factor}")),
        legend=legend(entries),
        numbers=step_table(columns, TABLE_STEPS, three, step_written),
    )


def _drawn(layers: list[Quartiles], name: str) -> tuple[Markup, bool]:
    every = np.concatenate([np.concatenate([q.lower, q.median, q.upper]) for q in layers])
    is_log = False
    with styled(name):
        drawing, axes = panels([HEIGHT] * len(layers))
        for panel, one in zip(axes, layers, strict=True):
            named(panel, one.layer)
            is_log = fit_height(panel, every)
            floor = panel.get_ylim()[0]
            low, high = np.maximum(one.lower, floor), np.maximum(one.upper, floor)
            panel.fill_between(one.steps, low, high, color=BLUE, alpha=BAND, linewidth=0)
            if len(one.steps) == 1:  # a band without length would not show
                panel.vlines(one.steps, low, high, color=BLUE, alpha=BAND, linewidth=8)
            marker = "o" if len(one.steps) <= 30 else None
            line = np.where(one.median > 0, one.median, np.nan)
            panel.plot(one.steps, line, color=BLUE, marker=marker, markersize=3)
            zeros = one.steps[one.median == 0]
            crosses: dict[str, Any] = {"marker": "x", "markersize": 5, "linestyle": "none"}
            at = np.full(len(zeros), floor)
            panel.plot(zeros, at, color=ORANGE, clip_on=False, **crosses)
            whole_steps(panel, is_labelled=panel is axes[-1])
        return as_svg(drawing, name), is_log


def clones(material: Material) -> Section | None:
    """Return the effective width over the run, and the clones of the trained network."""
    if not material.has_network:
        return None
    if len(material.network.layers) < 2:
        return Section("clones", note(said("report.clones.no_hidden")))
    from whygrad.core.symmetry import clone_groups

    shown = _widths(material.hidden) if material.hidden else note(said("report.nothing_recorded"))
    items = []
    for layer, found in clone_groups(material.network).items():
        lines = [element("li", _members(group)) for group in found[:GROUPS]]
        if len(found) > GROUPS:
            lines.append(element("li", said("report.clones.more", count=len(found) - GROUPS)))
        words = element("ul", lines) if lines else joined(" ", said("report.clones.none"))
        items.append(element("li", element("b", layer), words))
    title = element("h3", said("report.clones.groups"))
    groups = element("div", title, element("ul", items, class_="plain"))
    return Section("clones", grid([shown, groups]))


def different(record: Record) -> np.ndarray:
    """Return how many different neurons there were at each step shown."""
    from whygrad.core.symmetry import distinct  # with JAX, which reports of others do without

    return np.array([distinct(signatures) for signatures in record.field("signature")])


def _widths(records: dict[str, Record]) -> Markup:
    counts = {layer: different(record) for layer, record in records.items()}
    with styled("widths"):
        drawing, axes = panels([HEIGHT] * len(records))
        for panel, (layer, record) in zip(axes, records.items(), strict=True):
            named(panel, layer)
            marker = "o" if len(record.steps) <= 30 else None
            panel.plot(record.steps, counts[layer], color=BLUE, marker=marker, markersize=3)
            panel.set_ylim(0, record.neurons * 1.08)
            panel.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True, min_n_ticks=2))
            panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
            panel.grid(axis="y")
            whole_steps(panel, is_labelled=panel is axes[-1])
        svg = as_svg(drawing, "widths")
    columns = {
        layer: dict(zip(record.steps.tolist(), counts[layer].tolist(), strict=True))
        for layer, record in records.items()
    }

    def caption() -> str:
        ends = []
        for layer, record in records.items():
            values = {"width": int(counts[layer][-1]), "neurons": record.neurons}
            ends.append(t("report.clones.end", layer=layer, **values))
        return t("report.clones.caption", ends=listed(ends))

    return figure(
        "widths",
        svg,
        both(caption),
        up=lambda: t("report.word.different"),
        numbers=step_table(columns, TABLE_STEPS),
    )


def _members(group: "CloneGroup") -> Markup:
    more = " …" if len(group.neurons) > NEURONS else ""
    return both(
        lambda: t(
            f"report.clones.{group.kind}",
            count=len(group.neurons),
            neurons=listed(group.neurons[:NEURONS]) + more,
        )
    )
