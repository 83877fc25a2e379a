"""How many different neurons every hidden layer had over the run, and its clones at the end."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from whygrad.render.page.canvas import BLUE, as_svg, named, panels, styled, whole_steps
from whygrad.render.page.layout import figure, grid, listed, note, table
from whygrad.render.report.material import Material, Record
from whygrad.render.report.section import Section
from whygrad.render.report.thinning import evenly
from whygrad.words import number, t
from whygrad.words.markup import Markup, both, element, joined, said

if TYPE_CHECKING:
    from whygrad.core.symmetry import CloneGroup

HEIGHT = 64
TABLE_STEPS = 30
GROUPS, NEURONS = 8, 16  # that are listed at most


def section(material: Material) -> Section | None:
    """Return the effective width over the run, and the clones of the trained network."""
    if not material.has_network:
        return None
    if len(material.network.layers) < 2:
        return Section("clones", note(said("report.clones.no_hidden")))
    parts = [_widths(material)] if material.hidden else [note(said("report.nothing_recorded"))]
    return Section("clones", grid([*parts, _groups(material)]))


def different(record: Record) -> np.ndarray:
    """Return how many different neurons there were at each step shown."""
    from whygrad.core.symmetry import distinct  # with JAX, which reports of others do without

    return np.array([distinct(signatures) for signatures in record.field("signature")])


def _widths(material: Material) -> Markup:
    counts = {layer: different(record) for layer, record in material.hidden.items()}
    return figure(
        "widths",
        _drawn(material.hidden, counts),
        both(lambda: _caption(material.hidden, counts)),
        up=lambda: t("report.word.different"),
        numbers=_numbers(material.hidden, counts),
    )


def _drawn(records: dict[str, Record], counts: dict[str, np.ndarray]) -> Markup:
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
        return as_svg(drawing, "widths")


def _caption(records: dict[str, Record], counts: dict[str, np.ndarray]) -> str:
    ends = listed(
        t("report.clones.end", layer=layer, width=int(counts[layer][-1]), neurons=record.neurons)
        for layer, record in records.items()
    )
    return t("report.clones.caption", ends=ends)


def _numbers(records: dict[str, Record], counts: dict[str, np.ndarray]) -> Markup:
    steps = next(iter(records.values())).steps
    chosen = evenly(len(steps), TABLE_STEPS)
    rows = [[str(steps[i]), *(str(counts[layer][i]) for layer in records)] for i in chosen]
    return table([said("report.word.step"), *records], rows)


def _groups(material: Material) -> Markup:
    from whygrad.core.symmetry import clone_groups

    items = [
        element("li", _group(layer, groups[:GROUPS], len(groups)))
        for layer, groups in clone_groups(material.network).items()
    ]
    title = element("h3", said("report.clones.groups"))
    return element("div", title, element("ul", items, class_="plain"))


def _group(layer: str, groups: "list[CloneGroup]", count: int) -> Markup:
    if not groups:
        return joined(element("b", layer), " ", said("report.clones.none"))
    lines = [element("li", _in_words(group)) for group in groups]
    if count > len(groups):
        lines.append(element("li", said("report.clones.more", count=count - len(groups))))
    return joined(element("b", layer), element("ul", lines))


def _in_words(group: "CloneGroup") -> Markup:
    more = " …" if len(group.neurons) > NEURONS else ""
    return both(
        lambda: t(
            f"report.clones.{group.kind}",
            count=len(group.neurons),
            neurons=listed(group.neurons[:NEURONS]) + more,
        )
    )
