"""A picture of a lesson as a matplotlib figure of its own, outside of any page.

Drawings are made with marks in place of colours, which a page's stylesheet fills in. Here the
colours of a light page take their place.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib import font_manager
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import Collection
from matplotlib.colors import to_rgba, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Patch
from matplotlib.text import Annotation, Text

from whygrad.lessons.notation import ARRIVES, ONE, SLOPE
from whygrad.lessons.rendering.paragraph import filled
from whygrad.lessons.rendering.text import cell_text
from whygrad.lessons.story import Legend, Picture
from whygrad.render.page.canvas import FAINT, INK, LIGHT, VARIABLES, styled
from whygrad.words import language, speaking, t

TITLE_SIZE, LEADING, ROOM = 11.0, 15.5, 10.0  # of the caption above the drawing, in points
KEY_SIZE, KEY_LEADING = 9.5, 14.0  # of what stands below it
CELL = 0.53 * TITLE_SIZE  # width of a letter; Chinese characters are two cells wide
HAN_FONTS = ("Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "SimHei", "WenQuanYi Micro Hei")
LINE_STYLES: dict[str, Any] = {"dashed": "--", "dotted": ":"}

REAL = {to_rgba(mark)[:3]: to_rgba(LIGHT[variable]) for mark, variable in VARIABLES.items()}
MARKS = {"arrives": ARRIVES, "one": ONE, "slope": SLOPE}  # beside those of all pages
DARKER, RICHER = 0.62, 1.5  # how pages on white show cells, see --cells in style.css
LUMINANCE = np.array([0.213, 0.715, 0.072])  # of red, green and blue in CSS filters


def plot(picture: Picture) -> Figure:
    """Return a picture as a figure of its own, in colours for white.

    Its caption stands above it; what the axes and the marks are stands below.
    """
    han = next((name for name in HAN_FONTS if name in font_manager.get_font_names()), None)
    with styled(picture.name), speaking("en" if language() == "zh" and han is None else None):
        figure = picture.draw()
        _put_words(figure, picture, ["DejaVu Sans", *filter(None, [han])])
    for artist in figure.findobj():
        _paint(artist)
    figure.set_facecolor("white")
    figure.set_dpi(144)
    return figure


def _put_words(figure: Figure, picture: Picture, fonts: list[str]) -> None:
    wide = figure.get_figwidth() * 72
    caption = t(picture.caption.key, **picture.caption.values)
    lines = list(filled(caption, int((wide - 2 * ROOM) / CELL)))
    above = LEADING * len(lines) + ROOM
    below = KEY_LEADING * (len(picture.legend) + (picture.axes is not None)) + ROOM
    _make_room(figure, above, below)
    tall = figure.get_figheight() * 72
    spacing = LEADING / TITLE_SIZE / 1.2
    style: dict[str, Any] = {"va": "top", "family": fonts}
    figure.text(
        ROOM / wide,
        1 - ROOM / 2 / tall,
        "\n".join(lines),
        fontsize=TITLE_SIZE,
        linespacing=spacing,
        **style,
    )
    if picture.axes is not None:
        right, up = (t(word.key, **word.values) for word in picture.axes)
        words = t("lesson.axes", right=right, up=up)
        figure.text(ROOM / wide, (below - 2) / tall, words, fontsize=KEY_SIZE, color=FAINT, **style)
    if picture.legend:
        _put_legend(figure, picture.legend, fonts)


def _put_legend(figure: Figure, entries: Sequence[Legend], fonts: list[str]) -> None:
    wide, tall = figure.get_size_inches() * 72
    figure.legend(
        handles=[_sample(entry) for entry in entries],
        loc="lower left",
        bbox_to_anchor=(ROOM / wide, ROOM / 2 / tall),
        borderaxespad=0,
        borderpad=0,
        frameon=False,
        labelspacing=KEY_LEADING / KEY_SIZE - 1,
        prop={"family": fonts, "size": KEY_SIZE},
    )


def _sample(entry: Legend) -> Artist:
    """Return the sample of a mark, as the stylesheet of pages draws it."""
    kinds = entry.mark.split()
    named = {name[2:]: mark for mark, name in VARIABLES.items()} | MARKS
    colour = next((mark for name, mark in named.items() if name in kinds), INK)
    words = cell_text(entry.words)
    if "disc" in kinds:
        return Line2D([], [], marker="o", markersize=7, linestyle="", color=colour, label=words)
    if any(kind.endswith("band") for kind in kinds):
        opacity = 0.28 if "band" in kinds else 0.14
        return Patch(facecolor=colour, alpha=opacity, edgecolor="none", label=words)
    style: Any = next((LINE_STYLES[kind] for kind in kinds if kind in LINE_STYLES), "-")
    return Line2D([], [], color=colour, linestyle=style, label=words)


def _make_room(figure: Figure, above: float, below: float) -> None:
    """Make a figure taller by so many points, and leave what is drawn where it is."""
    wide, tall = figure.get_size_inches()
    whole = tall + (above + below) / 72
    share, start = tall / whole, below / 72 / whole
    figure.set_size_inches(wide, whole)
    for axes in figure.axes:
        left, low, width, height = axes.get_position(original=True).bounds
        axes.set_position((left, start + low * share, width, height * share))
    for text in figure.texts:
        text.set_y(start + text.get_position()[1] * share)
    for line in figure.lines:
        line.set_ydata(start + np.asarray(line.get_ydata(), np.float64) * share)


def _paint(artist: Artist) -> None:
    for kind, painter in PAINTERS.items():
        if isinstance(artist, kind):
            painter(artist)


def _coloured(value: Any) -> Any:
    """Return a colour in place of a mark, as transparent as the mark was; others as they are."""
    if value is None or (isinstance(value, str) and value in ("none", "auto", "inherit")):
        return value
    red, green, blue, opacity = to_rgba(value)
    return (*REAL.get((red, green, blue), (red, green, blue))[:3], opacity)


def _paint_parts(artist: Any, parts: Iterable[str]) -> None:
    for part in parts:
        getattr(artist, f"set_{part}")(_coloured(getattr(artist, f"get_{part}")()))


def _paint_line(line: Line2D) -> None:
    parts = ("color", "markerfacecolor", "markeredgecolor", "markerfacecoloralt", "gapcolor")
    _paint_parts(line, parts)


def _paint_patch(patch: Patch) -> None:
    opacity = patch.get_alpha()
    patch.set_alpha(None)  # it is part of the colours that come back
    _paint_parts(patch, ("facecolor", "edgecolor"))
    patch.set_alpha(opacity)


def _paint_collection(collection: Collection) -> None:
    opacity = collection.get_alpha()
    collection.set_alpha(None)
    for part in ("facecolor", "edgecolor"):
        colours = to_rgba_array(getattr(collection, f"get_{part}")())
        if len(colours) and collection.get_array() is None:
            getattr(collection, f"set_{part}")([_coloured(tuple(one)) for one in colours])
    collection.set_alpha(opacity)


def _paint_text(text: Text) -> None:
    _paint_parts(text, ("color",))
    if (box := text.get_bbox_patch()) is not None:
        _paint_patch(box)
    if isinstance(text, Annotation) and isinstance(text.arrow_patch, FancyArrowPatch):
        _paint_patch(text.arrow_patch)


def _paint_axis(axis: Axis) -> None:
    """Paint the ticks that stand, and those that matplotlib makes when it draws."""
    for which in ("major", "minor"):
        known = axis.get_tick_params(which=which)
        sample = axis.get_major_ticks(1)[0]
        params = {
            "color": known.get("color", sample.tick1line.get_color()),
            "labelcolor": known.get("labelcolor", sample.label1.get_color()),
            "grid_color": known.get("grid_color", sample.gridline.get_color()),
            "labelsize": known.get("labelsize", sample.label1.get_fontsize()),
        }
        colours = {name: _coloured(v) if "color" in name else v for name, v in params.items()}
        axis.set_tick_params(which=which, **colours)


def _paint_image(image: AxesImage) -> None:
    """Show cells as pages on white do: darker and richer."""
    cells: Any = image.get_array()
    rgba = np.asarray(image.to_rgba(cells), np.float64)
    image.set_data(np.dstack([_filtered(rgba[..., :3]), rgba[..., 3:]]))


def _filtered(rgb: np.ndarray) -> np.ndarray:
    dark = rgb * DARKER
    grey = dark @ LUMINANCE
    return np.clip(grey[..., None] + RICHER * (dark - grey[..., None]), 0, 1)


def _paint_axes(axes: Axes) -> None:
    _paint_parts(axes, ("facecolor",))


PAINTERS: dict[type, Callable[[Any], None]] = {
    Line2D: _paint_line,
    Patch: _paint_patch,
    Collection: _paint_collection,
    Text: _paint_text,
    Axis: _paint_axis,
    AxesImage: _paint_image,
    Axes: _paint_axes,
}
