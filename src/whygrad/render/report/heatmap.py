"""Every neuron over the run: a row a neuron, a column a recorded step, a cell a factor."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8
from matplotlib.figure import Figure

from whygrad.record.fields import FACTORS
from whygrad.render.page.canvas import (
    BLUE_CELL,
    GREY_CELL,
    INK,
    ORANGE,
    ORANGE_CELL,
    WIDTH,
    as_svg,
    place,
    sheet,
    styled,
    whole_steps,
)
from whygrad.render.page.layout import behind, figure, grid, listed, table
from whygrad.render.report.material import Material, Record, evenly
from whygrad.render.report.section import Section, unrecorded
from whygrad.words import number, t
from whygrad.words.markup import Markup, both, element, joined, said

NEURONS = 256  # rows that are shown at most
CELLS = 700_000  # of all maps together; what is more is thinned, so that the page stays small
FAINTEST = 0.06  # so that the smallest number is not taken for an empty place
SHADES = 32
SPREAD = 30.0  # from this ratio of largest to smallest on, the scale is logarithmic
LOWEST_SHARE = 0.01  # of the numbers may lie below the scale, so that one does not stretch it
OPEN_LAYERS = 4  # with more layers than these, maps are shown when they are asked for
TOP, HEIGHT, LEFT, RIGHT = 6, 170, 6, 20
BAR_LEFT, BAR_WIDTH, BAR_HEIGHT, BELOW = 24, 150, 8, 64


@dataclass(frozen=True)
class Scale:
    """A map of numbers >= 0 to [0, 1].

    Attributes:
        low, high: the ends; what lies outside is shown as the end.
        is_log: whether equal ratios, not equal differences, look alike.
    """

    low: float
    high: float
    is_log: bool

    @classmethod
    def of(cls, values: Float[np.ndarray, "..."]) -> "Scale":
        """Return the scale for these numbers; zeros and what is not finite have other marks."""
        shown = values[np.isfinite(values) & (values > 0)]
        if not len(shown):
            return cls(0.0, 0.0, False)
        low, high = float(np.quantile(shown, LOWEST_SHARE)), float(shown.max())
        is_log = high / low > SPREAD
        return cls(low if is_log else 0.0, high, is_log)

    def level(self, values: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Return where numbers lie on the scale, in [0, 1]; 0 for what is not finite."""
        if self.high == self.low:
            return np.zeros_like(values)
        bounded = np.clip(np.nan_to_num(values, nan=self.low), self.low, self.high)
        if self.is_log:
            return np.log(bounded / self.low) / np.log(self.high / self.low)
        return (bounded - self.low) / (self.high - self.low)

    def values(self, level: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Return the numbers at these places of the scale."""
        if self.is_log:
            return self.low * (self.high / self.low) ** level
        return self.low + (self.high - self.low) * level


def section(material: Material) -> Section | None:
    """Return the maps of all layers."""
    if not material.records:
        return unrecorded("neurons", material)
    most = CELLS // (len(FACTORS) * len(material.drawn) * NEURONS)
    are_open = len(material.drawn) <= OPEN_LAYERS
    columns = max(most, 30)
    layers = [
        _layer(place, record, columns, are_open)
        for place, record in enumerate(material.drawn.values())
    ]
    key = [
        element("li", element("i", class_=f"cell {name}"), said(f"report.neurons.{name}"))
        for name in ("small", "large", "zero")
    ]
    legend = element("ul", key, class_="legend")
    return Section("neurons", joined(material.drawn_of(), legend, layers))


def _layer(place: int, record: Record, columns: int, is_open: bool) -> Markup:
    rows = order(record)
    rows = rows[evenly(len(rows), NEURONS)]
    shown = evenly(len(record.steps), columns)
    maps = []
    for factor in FACTORS:
        name, recorded = f"neurons-{place}-{factor}", record.field(factor)
        values = recorded[np.ix_(shown, rows)].T.astype(np.float64)
        with styled(name):
            svg = as_svg(_drawn(values, record.steps[shown]), name)
        zeros = {"zeros": int((recorded[-1] == 0).sum()), "step": int(record.steps[-1])}
        caption = said("report.neurons.caption", neurons=record.neurons, **zeros)
        maps.append(
            figure(name, svg, joined(element("b", said(f"factor.{factor}")), " · ", caption))
        )
    numbers = behind(said("report.neurons.numbers", layer=record.layer), _numbers(record, rows))
    counts = {"rows": len(rows), "neurons": record.neurons}
    counts |= {"columns": len(shown), "recorded": record.recorded}
    words = said("report.neurons.layer", layer=record.layer, **counts)
    content = behind(words, joined(grid(maps), numbers), is_open=is_open)
    return element("div", content, class_="layer")


def order(record: Record) -> Int[np.ndarray, " neurons"]:
    """Return the neurons by their mean gradient over the run, largest first; clones side by side.

    Neurons that never learn, whose gradient is 0 throughout, come last.
    """
    mean = np.nan_to_num(record.gradient, nan=0, posinf=0).mean(axis=0)
    return np.lexsort((record.field("signature")[-1], -mean))


def _drawn(values: Float[np.ndarray, "rows columns"], steps: np.ndarray) -> Figure:
    """Draw a map, and below it what its shades mean."""
    scale = Scale.of(values)
    figure = sheet(TOP + HEIGHT + BELOW)
    axes = place(figure, LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT)
    half = (steps[-1] - steps[0]) / max(len(steps) - 1, 1) / 2 or 0.5
    extent = (steps[0] - half, steps[-1] + half, len(values), 0)
    axes.imshow(cells(values, scale), extent=extent, interpolation="none", aspect="auto")
    axes.tick_params(left=False, labelleft=False)
    whole_steps(axes)
    # rows that end at exactly 0 are marked at the right edge: a colour alone must not say it
    is_zero = values[:, -1] == 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_zero, [False]]).astype(int)))
    runs = sorted(zip(edges[::2], edges[1::2], strict=True), key=lambda run: run[0] - run[1])
    beside = axes.get_yaxis_transform()  # x as a share of the width, y as a row
    for begin, end in runs:
        axes.vlines(1.012, begin, end, color=ORANGE, linewidth=4, clip_on=False, transform=beside)
    for begin, end in runs[:1]:
        axes.text(1.03, (begin + end) / 2, "0", va="center", color=INK, transform=beside)
    bar = place(figure, BAR_LEFT, TOP + HEIGHT + BELOW - BAR_HEIGHT - 20, BAR_WIDTH, BAR_HEIGHT)
    strip = scale.values(np.linspace(1e-6, 1, 64))[None, :]  # a 0 would show its own mark
    bar.imshow(cells(strip, scale), extent=(0, 1, 0, 1), interpolation="none", aspect="auto")
    bar.set_yticks([])
    ticks = [0, 0.5, 1] if scale.high > scale.low else [1]
    bar.set_xticks(ticks, [number(v, 2) for v in scale.values(np.array(ticks, float))])
    return figure


def cells(
    values: Float[np.ndarray, "rows columns"], scale: Scale
) -> UInt8[np.ndarray, "rows columns rgba"]:
    """Return a colour a number: blue, fainter the smaller; exact zeros orange; not finite grey."""
    level = FAINTEST + (1 - FAINTEST) * np.round(scale.level(values) * SHADES) / SHADES
    rgba = np.empty((*values.shape, 4))
    rgba[..., :3], rgba[..., 3] = BLUE_CELL, level
    rgba[values == 0] = (*ORANGE_CELL, 1)
    rgba[~np.isfinite(values)] = (*GREY_CELL, 0.7)
    return (rgba * 255).round().astype(np.uint8)


def _numbers(record: Record, rows: np.ndarray) -> Markup:
    head = [
        said("report.word.neuron"),
        *(said(f"factor.{factor}") for factor in FACTORS),
        said("report.neurons.share_zero"),
    ]
    zero = (record.gradient == 0).mean(axis=0)
    last = {factor: record.field(factor)[-1].astype(float) for factor in FACTORS}
    body = [
        [str(k), *(number(last[factor][k]) for factor in FACTORS), number(zero[k])] for k in rows
    ]
    caption = element(
        "p", both(lambda: t("report.neurons.last", steps=listed([record.steps[-1]]))), class_="axes"
    )
    return joined(caption, table(head, body))
