"""How good the predictions are: the measures, what is taken for what, and whether claims hold."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whygrad.errors import WhygradError
from whygrad.render.page.canvas import (
    BLUE,
    FAINT,
    INK,
    WIDTH,
    as_svg,
    place,
    sheet,
    signed_cells,
    styled,
)
from whygrad.render.page.layout import behind, figure, grid, legend, note, table
from whygrad.render.report.material import Material, evenly
from whygrad.render.report.section import Section, noted
from whygrad.training.measures import Measures, phrases
from whygrad.words import number, percent, t
from whygrad.words.markup import Markup, both, element, joined, said
from whygrad.words.visible import shortened, visible

MOST_CLASSES = 30  # of a confusion matrix that is drawn
NUMBERED = 10  # classes up to which each cell says its share
EACH = 60  # classes, labels or numbers that the table tells at most
LEFT, TOP, EDGE = 96, 22, 8
LETTER = 6.6  # units that a letter takes
LINE = 15  # height of a row, at least
FAINTER = 0.55  # so that numbers can be read on a cell
SQUARE = 200  # height of the picture of calibration
BESIDE, RIGHT, BELOW = 44, 18, 24  # of it
CLAIMS = 240  # area of the disc that stands for all claims


def section(material: Material) -> Section | None:
    """Return the measures of the part that was held out."""
    if not material.has_network:
        return None
    if "result" not in material.description:
        return Section("measures", note(said("report.measures.none")))
    run = material.run
    try:
        measures = run.measures(run.trained.held_out)
    except WhygradError as error:
        return Section("measures", noted(error))
    lines = [element("p", both(lambda at=at: phrases.short(measures)[at]))
             for at in range(len(phrases.short(measures)))]  # fmt: skip
    parts = [
        *lines,
        _block(lambda: phrases.overview(measures)),
        _each(measures),
        grid(drawing for drawing in (_confusion(measures), _calibration(measures)) if drawing),
        *(
            element("p", both(lambda note=note: str(note)), class_="axes")
            for note in measures.notes
        ),
    ]
    return Section("measures", joined(parts))


def _each(measures: Measures) -> Markup | None:
    """Return the table of classes, labels or numbers; of many it is shown when asked for."""
    if phrases.of_each(measures, EACH) is None:
        return None

    def block() -> phrases.Block:
        found = phrases.of_each(measures, EACH)
        assert found is not None, "in no language are there others"
        return found

    if len(block().rows) <= phrases.MOST_CLASSES:
        return _block(block)
    return behind(both(lambda: block().title), both(lambda: _rows(block()), name="div"))


def _block(made: Callable[[], phrases.Block]) -> Markup:
    """Return a table under its sentence, in both languages."""

    def told() -> Markup:
        block = made()
        return joined(element("h3", block.title), _rows(block))

    return both(told, name="div")


def _rows(block: phrases.Block) -> Markup:
    return table(block.head, block.rows)


# --- what is taken for what -------------------------------------------------------------------


def _confusion(measures: Measures) -> Markup | None:
    """Draw the confusion matrix; of very many classes tell the worst confusions alone."""
    worst = None
    if measures.confusions:
        worst = _block(lambda: _worst(measures))
    if measures.counts is None or len(measures.counts) > MOST_CLASSES:
        return worst
    name = "confusion"
    with styled(name):
        svg = as_svg(_matrix(measures), name)
    names = [one.name for one in measures.classes]
    rows = [
        [true, *(number(count) for count in counts)]
        for true, counts in zip(names, measures.counts.tolist(), strict=True)
    ]
    head = [said("measures.confusion.true"), *names]
    key = [
        element("li", element("i", class_=f"cell {kind}"), said(f"report.measures.{kind}"))
        for kind in ("right", "wrong")
    ]
    return figure(
        name,
        svg,
        said("report.measures.confusion"),
        legend=element("ul", key, class_="legend"),
        numbers=joined(table(head, rows), worst),
    )


def _worst(measures: Measures) -> phrases.Block:
    block = phrases.worst_confusions(measures)
    assert block is not None, "in no language are there others"
    return block


def _matrix(measures: Measures) -> Figure:
    counts = measures.counts
    assert counts is not None
    classes, names = len(counts), [visible(one.name) for one in measures.classes]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-300)
    wide = (WIDTH - LEFT - EDGE) / classes
    tall = max(min(wide, 42), LINE)
    figure = sheet(TOP + tall * classes + EDGE)
    axes = place(figure, LEFT, TOP, wide * classes, tall * classes)
    signs = np.where(np.eye(classes, dtype=bool), FAINTER, -FAINTER)
    extent = (-0.5, classes - 0.5, classes - 0.5, -0.5)
    cells = signed_cells(signs * shares)
    axes.imshow(cells, extent=extent, interpolation="none", aspect="auto")
    heads, sides = names, names
    if max(map(len, names)) * LETTER > wide:  # then numbers stand above, and beside the names
        heads = [str(at) for at in range(classes)]
        sides = [f"{at} {one}" for at, one in enumerate(names)]
    shown = evenly(classes, int(wide * classes / (LETTER * max(map(len, heads)) + 6)))
    axes.xaxis.tick_top()
    axes.set_xticks(shown, [heads[at] for at in shown])
    axes.set_yticks(range(classes), [shortened(one, int(LEFT / LETTER) - 1) for one in sides])
    axes.tick_params(length=0)
    if classes <= NUMBERED:
        _say_shares(axes, shares)
    return figure


def _say_shares(axes: Axes, shares: np.ndarray) -> None:
    for (row, column), share in np.ndenumerate(shares):
        if share:
            said = f"{100 * share:.0f}" if share >= 0.005 else "<1"
            axes.text(column, row, said, ha="center", va="center", color=INK)


# --- whether claims hold ----------------------------------------------------------------------


def _calibration(measures: Measures) -> Markup | None:
    """Draw how often claims are right over how confident they are."""
    if not measures.bins:
        return None
    name, bins = "calibration", measures.bins
    with styled(name):
        drawing = sheet(EDGE + SQUARE + BELOW)
        axes = place(drawing, BESIDE, EDGE, WIDTH - BESIDE - RIGHT, SQUARE)
        axes.plot([0, 1], [0, 1], color=FAINT, linestyle=(0, (5, 3)), linewidth=1)
        confidence, right = [one.confidence for one in bins], [one.right for one in bins]
        total = sum(one.samples for one in bins)
        areas = [12 + CLAIMS * one.samples / total for one in bins]
        axes.plot(confidence, right, color=BLUE, linewidth=1)
        axes.scatter(confidence, right, s=areas, color=BLUE, alpha=0.35, edgecolors=BLUE)
        axes.set(xlim=(0, 1), ylim=(-0.04, 1.04))
        ticks = [0, 0.25, 0.5, 0.75, 1]
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks(ticks, map(number, ticks))
        axes.grid(axis="y")
        svg = as_svg(drawing, name)

    def numbers() -> Markup:
        block = phrases.calibration(measures)
        assert block is not None, "in no language are there others"
        return _rows(block)

    def caption() -> str:
        key = "labels" if measures.task == "labels" else "classes"
        error = percent(measures.values["calibration_error"], 1)
        return t(f"report.measures.calibration.{key}", error=error)

    entries = (("dashed", "report.measures.calibrated"), ("disc blue", "report.measures.claims"))
    axes_words = element("p", said("report.measures.calibration.axes"), class_="axes")
    return figure(
        name,
        joined(svg, axes_words),
        both(caption),
        legend=legend((line, said(key)) for line, key in entries),
        numbers=both(numbers, name="div"),
    )
