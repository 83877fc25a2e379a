"""The picture of a sweep: recall and silence over the thresholds that decide who is ill."""

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.faults.summing import THRESHOLDS, curves, of_status

BLUE, ORANGE, GREY = "#0b5cad", "#a84300", "#555555"
LABELS = {
    "LEARNS": "LEARNS: share of what\nan ordinary model knows",
    "LEARNS_OF_TWIN": "LEARNS_OF_TWIN: share of what\nthe twin learned",
    "LEARNS_THOUGH_ODD": "LEARNS_THOUGH_ODD: the same,\nwhere a check finds something odd",
}
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "whygrad",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
}


def draw(lines: Sequence[Mapping[str, Any]]) -> str:
    """Return the picture as SVG; the same lines give the same text."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 3.8), layout="constrained")
        panels = figure.subplots(1, len(THRESHOLDS), sharey=True)
        for axes, (name, points) in zip(panels, curves(lines).items(), strict=True):
            _panel(axes, points, THRESHOLDS[name], LABELS[name])
        many = {status: len(of_status(lines, status)) for status in ("faulty", "healthy")}
        panels[0].set_ylabel("share of the networks")
        panels[0].legend(loc="lower left", frameon=False)
        figure.suptitle("Drawn networks: {faulty} faulty, {healthy} healthy".format(**many))
        stream = StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return _without_trailing_spaces(stream.getvalue())


def _panel(axes: Axes, points: Sequence[Mapping[str, float]], today: float, label: str) -> None:
    at = [point["at"] for point in points]
    recall, silence = ([point[name] for point in points] for name in ("recall", "silence"))
    axes.plot(at, recall, color=BLUE, label="recall: faulty ones that are found")
    axes.plot(at, silence, color=ORANGE, linestyle="--", label="silence: healthy ones left alone")
    axes.axvline(today, color=GREY, linestyle=":", linewidth=1)
    axes.text(today, 0.4, f" today {today}", color=GREY, transform=axes.get_xaxis_transform())
    axes.set(xlabel=label, ylim=(0.8, 1.005))
    axes.spines[["top", "right"]].set_visible(False)


def _without_trailing_spaces(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
