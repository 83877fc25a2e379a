"""How loss and measures went over the run."""

from collections.abc import Mapping
from typing import Any

import numpy as np

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
from whygrad.render.page.layout import TABLE_ROWS, figure, grid, legend, note
from whygrad.render.report.material import Material, envelope
from whygrad.render.report.section import Section, step_table
from whygrad.words import number, t
from whygrad.words.markup import Markup, said

Series = tuple[np.ndarray, np.ndarray]  # steps, and a number at each

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
    found = {name: material.series(name) for name in LINES}
    losses = {name: series for name, series in found.items() if len(series[0])}
    if not losses:
        return Section("curves", note(said("report.curves.none")))
    parts = [_drawn("losses", "loss", losses, {line: line for line in losses})]
    for measure in MEASURES:
        name = f"validation_{measure}"
        series = material.series(name)
        if len(series[0]):
            entries = {"validation_loss": "validation"}
            parts.append(_drawn(measure, measure, {name: series}, entries))
    best = material.description.get("best")
    if best is not None:
        words = said("report.curves.best", epoch=best["epoch"], loss=float(best["loss"]))
        parts.append(note(words))
    meaning = "meaning" if "validation_loss" in losses else "meaning_alone"
    return Section("curves", grid(parts), meaning)


def _drawn(
    name: str, measure: str, shown: Mapping[str, Series], entries: Mapping[str, str]
) -> Markup:
    """Draw series of one measure.

    Args:
        entries: of the legend, one a series: how it is drawn, and its word.
    """
    with styled(name):
        drawing, (axes,) = panels([HEIGHT])
        for line, (steps, values) in zip(entries, shown.values(), strict=True):
            x, y = envelope(steps, np.where(np.isfinite(values), values, np.nan), POINTS)
            marker = "o" if len(x) <= 30 else None
            axes.plot(x, y, marker=marker, markersize=3, **LINES[line])
        fit_height(axes, np.concatenate([values for _, values in shown.values()]))
        whole_steps(axes)
        svg = as_svg(drawing, name)
    columns: dict[str, dict[int, float]] = {
        said(f"report.line.{line}"): dict(zip(steps.tolist(), values.tolist(), strict=True))
        for line, (steps, values) in shown.items()
    }
    steps, values = next(iter(shown.values()))
    ends = {"first": float(values[0]), "last": float(values[-1])}
    ends |= {"first_step": int(steps[0]), "last_step": int(steps[-1])}
    return figure(
        name,
        svg,
        said(f"report.curves.{measure}", **ends),
        up=lambda: t(f"report.word.{measure}"),
        legend=legend((line, said(f"report.line.{word}")) for line, word in entries.items()),
        numbers=step_table(columns, TABLE_ROWS, number),
    )
