"""How loss and measures went over the run."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from whygrad.render.page.canvas import (
    BLUE,
    FAINT,
    ORANGE,
    as_svg,
    fit_height,
    panels,
    styled,
    whole_steps,
)
from whygrad.render.page.layout import TABLE_ROWS, figure, grid, legend, note, table
from whygrad.render.report.material import Material
from whygrad.render.report.section import Section
from whygrad.render.report.thinning import envelope, evenly
from whygrad.words import number, t
from whygrad.words.markup import Markup, said

HEIGHT = 190
POINTS = 400
MEASURES = ("accuracy", "r2")
LINES: dict[
    str, dict[str, Any]
] = {  # name in the history -> how it is drawn; the stylesheet draws the legend alike
    "loss": {"color": FAINT, "linewidth": 0.9},
    "train_loss": {"color": BLUE},
    "validation_loss": {"color": ORANGE, "linestyle": (0, (5, 2))},
}


def section(material: Material) -> Section:
    """Return the curves of the run."""
    if not any(len(material.series(name)[0]) for name in LINES):
        return Section("curves", note(said("report.curves.none")))
    parts = [_losses(material), *_measures(material), _best(material)]
    has_validation = len(material.series("validation_loss")[0])
    meaning = "meaning" if has_validation else "meaning_alone"
    return Section("curves", grid(part for part in parts if part), meaning)


def _losses(material: Material) -> Markup:
    series = {name: material.series(name) for name in LINES}
    shown = {name: one for name, one in series.items() if len(one[0])}
    name = "losses"
    with styled(name):
        drawing, (axes,) = panels([HEIGHT])
        for line, (steps, values) in shown.items():
            _draw(axes, steps, values, **LINES[line])
        fit_height(axes, np.concatenate([values for _, values in shown.values()]))
        whole_steps(axes)
        svg = as_svg(drawing, name)
    return figure(
        name,
        svg,
        _ends("report.curves.loss", *next(iter(shown.values()))),
        up=lambda: t("report.word.loss"),
        legend=legend((line, said(f"report.line.{line}")) for line in shown),
        numbers=_numbers(shown),
    )


def _measures(material: Material) -> list[Markup]:
    return [
        _measure(measure, *material.series(f"validation_{measure}"))
        for measure in MEASURES
        if len(material.series(f"validation_{measure}")[0])
    ]


def _measure(name: str, steps: np.ndarray, values: np.ndarray) -> Markup:
    with styled(name):
        drawing, (axes,) = panels([HEIGHT])
        _draw(axes, steps, values, **LINES["validation_loss"])
        fit_height(axes, values)
        whole_steps(axes)
        svg = as_svg(drawing, name)
    return figure(
        name,
        svg,
        _ends(f"report.curves.{name}", steps, values),
        up=_word(f"report.word.{name}"),
        legend=legend([("validation_loss", said("report.line.validation"))]),
        numbers=_numbers({f"validation_{name}": (steps, values)}),
    )


def _word(key: str) -> Callable[[], str]:
    return lambda: t(key)


def _draw(axes: Axes, steps: np.ndarray, values: np.ndarray, **style: Any) -> None:
    x, y = envelope(steps, np.where(np.isfinite(values), values, np.nan), POINTS)
    axes.plot(x, y, marker="o" if len(x) <= 30 else None, markersize=3, **style)


def _ends(key: str, steps: np.ndarray, values: np.ndarray) -> Markup:
    ends = {"first": float(values[0]), "last": float(values[-1])}
    return said(key, first_step=int(steps[0]), last_step=int(steps[-1]), **ends)


def _best(material: Material) -> Markup | None:
    best = material.description.get("best")
    if best is None:
        return None
    return note(said("report.curves.best", epoch=best["epoch"], loss=float(best["loss"])))


def _numbers(series: dict[str, tuple[np.ndarray, np.ndarray]]) -> Markup:
    every = np.unique(np.concatenate([steps for steps, _ in series.values()]))
    chosen = every[evenly(len(every), TABLE_ROWS)]
    known = {name: dict(zip(*one, strict=True)) for name, one in series.items()}
    head = [said("report.word.step"), *(said(f"report.line.{name}") for name in series)]
    rows = [
        [str(step), *(number(one[step]) if step in one else "" for one in known.values())]
        for step in chosen
    ]
    return table(head, rows)
