"""Small drawings that take the colours of the page: matplotlib's SVG, made fit to stand in HTML.

A drawing holds numbers, symbols and names only, so both languages share it. It is drawn with marks
in place of colours; the page's stylesheet says what they are, in light and in dark.
"""

import io
import re
import warnings
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from whygrad.words import number
from whygrad.words.markup import Markup, element, escaped
from whygrad.words.visible import shortened, visible

Length = int | float

NAME = re.compile(r"[\w-]+", re.ASCII)  # of a drawing
TAG = re.compile(r"<[^>]*>")
USED = re.compile(r'(?:url\(|href=")#([\w.-]+)')  # ids that something in the drawing asks for
WIDTH = 340  # of every drawing; its text has 12 of these units, so 11 px on a narrow phone
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 20, 24
GAP = 24  # between panels one above the other, for the name of the lower one
LONGEST = 38  # columns of a name above a panel

# No drawing shows these colours; they are put in place of names that the stylesheet knows.
INK, FAINT, LINE, BLUE, ORANGE = "#010101", "#010102", "#010103", "#010104", "#010105"
GREEN, PURPLE, RED = "#010106", "#010107", "#010108"
VARIABLES = {
    INK: "--ink",
    FAINT: "--faint",
    LINE: "--line",
    BLUE: "--blue",
    ORANGE: "--orange",
    GREEN: "--green",
    PURPLE: "--purple",
    RED: "--red",
}
LIGHT = {  # as in style.css, for drawings that stand outside of a page
    "--paper": "#ffffff",
    "--ink": "#1a1f24",
    "--faint": "#55606b",
    "--line": "#d5dbe1",
    "--blue": "#0b5cad",
    "--orange": "#a84300",
    "--green": "#1a7f37",
    "--purple": "#7a3fb0",
    "--red": "#b3261e",
}
DARK = {
    "--paper": "#14171a",
    "--ink": "#e8ebee",
    "--faint": "#a3adb8",
    "--line": "#333b43",
    "--blue": "#7fb8f0",
    "--orange": "#f2a25c",
    "--green": "#6fcf8f",
    "--purple": "#c9a6f5",
    "--red": "#ff8a80",
}

# Cells are drawn in these two, fainter the smaller the number; the page darkens them on white.
BLUE_CELL = (0.40, 0.68, 0.96)
ORANGE_CELL = (0.97, 0.60, 0.28)
GREY_CELL = (0.55, 0.55, 0.55)

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a name with two dollar signs is no formula
    "font.size": 12,
    "axes.titlesize": 12,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "axes.labelcolor": FAINT,
    "axes.linewidth": 1,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.axisbelow": True,
    "figure.facecolor": "none",
    "grid.color": LINE,
    "grid.linewidth": 0.75,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": FAINT,
    "ytick.labelcolor": FAINT,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "lines.linewidth": 1.75,
}


def panels(heights: Sequence[Length]) -> tuple[Figure, list[Axes]]:
    """Return an empty drawing with one panel of each height, one above the other.

    To be called, and drawn on, inside :func:`styled`.
    """
    total = sum(heights) + TOP + BOTTOM + GAP * (len(heights) - 1)
    figure = sheet(total)
    axes, top = [], float(TOP)
    for height in heights:
        axes.append(place(figure, LEFT, top, WIDTH - LEFT - RIGHT, height))
        top += height + GAP
    return figure, axes


def place(figure: Figure, left: Length, top: Length, width: Length, height: Length) -> Axes:
    """Return a new panel of a drawing; measures in the drawing's units, from its upper left."""
    wide, tall = figure.get_size_inches() * 72
    return figure.add_axes((left / wide, 1 - (top + height) / tall, width / wide, height / tall))


def sheet(height: Length) -> Figure:
    """Return an empty drawing of the common width."""
    return Figure(figsize=(WIDTH / 72, height / 72), dpi=72)


def styled(name: str):
    """Return the ``with`` block inside which a drawing is made; ``name`` makes its ids its own."""
    return matplotlib.rc_context({**STYLE, "svg.hashsalt": name})


def named(axes: Axes, name: str) -> None:
    """Write the name of a panel above it."""
    shown = shortened(visible(name), LONGEST)
    axes.annotate(
        shown, (0, 1), (0, 5), xycoords="axes fraction", textcoords="offset points", color=INK
    )


def whole_steps(axes: Axes, *, is_labelled: bool = True) -> None:
    """Mark whole numbers along the lower edge."""
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 6)))
    axes.tick_params(labelbottom=is_labelled)


def fit_height(axes: Axes, values: np.ndarray) -> bool:
    """Scale a panel's height to values, and return whether the scale is logarithmic.

    Logarithmic where the values above 0 span more than a factor of 30, else linear and with 0.
    """
    found = np.asarray(values, np.float64)
    found = found[np.isfinite(found)]
    positive = found[found > 0]
    is_log = bool(len(positive) and not (found < 0).any() and np.ptp(np.log(positive)) > np.log(30))
    if is_log:
        low, high = positive.min() / 1.6, positive.max() * 1.6
        axes.set_yscale("log")
        axes.set_ylim(low, high)
        axes.yaxis.set_major_locator(FixedLocator(_round_numbers(low, high)))
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        low, high = min(found.min(initial=0), 0), found.max(initial=0)
        high = low + 1 if low == high else high
        room = 0.06 * (high - low)
        axes.set_ylim(low - room * (low < 0), high + room)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=3, min_n_ticks=2))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 3)))
    axes.grid(axis="y")
    return is_log


def _round_numbers(low: float, high: float) -> list[float]:
    """Return two to four round numbers between the ends of a logarithmic scale."""
    first, last = int(np.ceil(np.log10(low))), int(np.floor(np.log10(high)))
    powers = [10.0**power for power in range(first, last + 1, max(1, -(-(last - first + 1) // 4)))]
    if len(powers) > 1:
        return powers
    return [n for power in powers for n in (0.3 * power, power, 3 * power) if low < n < high]


def signed_cells(values: np.ndarray) -> np.ndarray:
    """Return the colours of cells: blue above 0, orange below, fainter the nearer to 0.

    Args:
        values: in [-1, 1], of any shape; the result has an axis of four more, in [0, 255].
    """
    rgba = np.empty((*values.shape, 4))
    rgba[..., :3] = np.where((values >= 0)[..., None], BLUE_CELL, ORANGE_CELL)
    rgba[..., 3] = np.abs(values)
    return (rgba * 255).round().astype(np.uint8)


def as_svg(figure: Figure, name: str) -> Markup:
    """Return a drawing as an SVG element for an HTML page.

    Args:
        name: unique on the page; the element is labelled by the element ``<name>-caption``.
    """
    width, height = (figure.get_size_inches() * 72).round(2)
    return element(
        "svg",
        _inside(figure, name),
        viewBox=f"0 0 {width:g} {height:g}",
        style=f"--units: {width:g}",
        role="img",
        aria_labelledby=f"{name}-caption",
    )


def _inside(figure: Figure, name: str) -> Markup:
    """Return what matplotlib draws, whose own writer escapes texts, as marks for a page."""
    assert NAME.fullmatch(name), f"ids are made of {name!r}, which comes from outside"
    file = io.StringIO()
    with warnings.catch_warnings():  # the page's own fonts show what matplotlib's lack
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    svg = text[text.index("<g ") : text.rindex("</svg>")]
    used = {one for tag in TAG.findall(svg) for one in USED.findall(tag)}
    # what stands between the tags is text, and stays as it is
    svg = TAG.sub(lambda tag: _cleaned_tag(tag[0], name, used), svg)
    return Markup(re.sub(r"(?<=>)\s+(?=<)", "", svg))


def standalone_svg(figure: Figure, name: str, title: str, metadata: str = "") -> str:
    """Return a drawing as an SVG file of its own, in light and, where it is wanted, in dark.

    It brings its paper, so that it can be read on a page of any colour. To be called inside
    :func:`styled`.

    Args:
        name: makes its ids its own.
        title: the text alternative.
        metadata: kept inside, for programs.
    """
    width, height = (figure.get_size_inches() * 72).round(2)
    light, dark = (
        f"svg {{ {' '.join(f'{name}: {value};' for name, value in colours.items())} }}"
        for colours in (LIGHT, DARK)
    )
    style = (
        f"{light} @media (prefers-color-scheme: dark) {{ {dark} }} "
        "text { font-family: system-ui, sans-serif; } .paper { fill: var(--paper); }"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" role="img" aria-labelledby="{name}-title">\n'
        f'<title id="{name}-title">{escaped(title)}</title>\n'
        f"<metadata>{escaped(metadata)}</metadata>\n<style>{style}</style>\n"
        f'<rect class="paper" width="100%" height="100%" rx="6"/>\n'
        f"{_inside(figure, name)}\n</svg>\n"
    )


def _cleaned_tag(tag: str, name: str, used: set[str]) -> str:
    """Return a tag of matplotlib's as a page has it: ids of its own, no fonts, named colours."""
    tag = tag.replace("xlink:href", "href")
    tag = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in used else "", tag)
    tag = re.sub(r'( id="|url\(#|href="#)(?=[\w])', rf"\g<1>{name}-", tag)
    tag = re.sub(r"font-family: [^;\"]+;? ?", "", tag)
    tag = re.sub(r"(base64,)\s+", r"\1", tag)
    for mark, variable in VARIABLES.items():
        tag = tag.replace(mark, f"var({variable})")
    return tag
