"""A ledger in a notebook and in a report: a fragment of HTML that brings its own style.

It takes ink and paper from around it, so that it is at home on light and on dark.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from whygrad.explain.phrases import (
    Section,
    by_name,
    cells,
    clones,
    columns,
    meaning,
    product,
    sections,
    what,
    when,
)
from whygrad.words import language, number, t
from whygrad.words.markup import TAGS, Child, Markup, element, joined

if TYPE_CHECKING:
    from whygrad.explain.ledger import Ledger

POINTS = 120  # of a line over the run
WIDTH, HEIGHT = 120, 22

SMALL = re.compile(r"([−+]?\d[\d.]*e-\d+)")
STYLE = """
.whygrad-ledger{--line:color-mix(in srgb,currentColor 22%,transparent);line-height:1.5;
max-width:46rem;font-variant-numeric:tabular-nums}
.whygrad-ledger p,.whygrad-ledger ul,.whygrad-ledger ol{margin:.3em 0}
.whygrad-ledger ul,.whygrad-ledger ol{padding-left:1.2em}
.whygrad-ledger .address{font-size:1.1em}
.whygrad-ledger .address b{margin-right:.6em;overflow-wrap:anywhere}
.whygrad-ledger .heading{font-weight:600;margin:1.1em 0 .3em}
.whygrad-ledger .scroll{overflow-x:auto}
.whygrad-ledger table{border-collapse:collapse;margin:.6em 0;min-width:min(100%,26em);
background:none;font-size:inherit}
.whygrad-ledger th,.whygrad-ledger td{padding:.3em clamp(.4em,1.5vw,.9em) .3em 0;text-align:right;
border:0;border-bottom:1px solid var(--line);vertical-align:baseline;background:none;
font-weight:400;
white-space:nowrap}
.whygrad-ledger tr>:first-child{text-align:left;padding-left:.6em}
.whygrad-ledger th[scope=row],.whygrad-ledger .words,.whygrad-ledger .meaning td{white-space:normal}
.whygrad-ledger .described tr:first-child>*{border-bottom:0;padding-bottom:0}
.whygrad-ledger .meaning td{font-size:.85em;opacity:.8;padding-top:0}
.whygrad-ledger thead th{font-size:.85em;opacity:.8}
.whygrad-ledger .is-cause{box-shadow:inset 3px 0 var(--orange,#c2590c)}
.whygrad-ledger .is-cause tr:first-child>*{font-weight:700}
.whygrad-ledger .product tr>*,.whygrad-ledger tr.product>*{border-bottom:0}
.whygrad-ledger .product .meaning td{white-space:nowrap}
.whygrad-ledger .product{border-top:2px solid var(--line)}
.whygrad-ledger .cause{border-left:3px solid var(--orange,#c2590c);padding-left:.7em}
.whygrad-ledger .cause.none{border-color:var(--line)}
.whygrad-ledger .bar{display:block;width:2.6em;height:3px;margin-left:auto;background:var(--line)}
.whygrad-ledger .bar i{display:block;height:3px;background:var(--blue,#3b82d0)}
.whygrad-ledger svg{display:block;width:clamp(60px,25vw,120px);height:22px}
.whygrad-ledger polyline{fill:none;stroke:var(--blue,#3b82d0);stroke-width:1.5}
.whygrad-ledger .small{white-space:nowrap}
.whygrad-ledger code{font-size:.9em;background:none;color:inherit;overflow-wrap:anywhere}
"""


def as_html(ledger: Ledger) -> str:
    """Return a ledger as an HTML fragment with its style, in the language in use."""
    return joined(element("style", Markup(STYLE)), as_body(ledger))


def as_body(ledger: Ledger) -> Markup:
    """Return the fragment without its style, for a page that has :data:`STYLE` once."""
    key, values = ledger.cause
    named, is_one = by_name(ledger), any(factor.is_cause for factor in ledger.factors)
    parts = [
        element(
            "p",
            element("b", str(ledger.address)),
            None if named is None else joined(element("code", named), " "),
            when(ledger),
            class_="address",
        ),
        element("p", what(ledger)),
        element("p", clones(ledger), class_="cause") if ledger.clones else None,
        factor_table(ledger),
        element("p", t(key, **values), class_="cause" if is_one else "cause none"),
        *map(as_block, sections(ledger)),
    ]
    return element("div", parts, class_="whygrad-ledger", lang=TAGS[language()])


def factor_table(ledger: Ledger) -> Markup:
    """Return the four factors with what is usual around them, and their product."""
    top = element("tr", [element("th", name, scope="col") for name in columns(ledger)])
    rows = []
    for factor in ledger.factors:
        *two, rank = cells(factor)
        class_ = "is-cause" if factor.is_cause else None
        shown = (*two, joined(rank, _bar(factor.rank)))
        rows.append(_described(t(f"factor.{factor.name}"), shown, meaning(factor), class_))
    last = (number(ledger.product), "", "")
    rows.append(_described(t("ledger.product"), last, product(ledger), "product"))
    return element("div", element("table", element("thead", top), rows), class_="scroll")


def _bar(share: float | None) -> Markup | None:
    if share is None:
        return None
    filled = element("i", style=f"width:{100 * share:.0f}%")
    return element("span", filled, class_="bar", aria_hidden="true")


def as_block(section: Section) -> Markup:
    """Return a section with its title."""
    if section.rows:
        rows = []
        for row in section.rows:
            value = row.value if isinstance(row.value, str) else line_over_the_run(row.value)
            note = element("span", row.note, class_="words") if row.is_said else row.note
            rows.append(_row(row.name, (value, note), "product" if row.is_last else None))
        content = element("div", element("table", element("tbody", rows)), class_="scroll")
    elif section.note is not None:
        content = element("p", section.note)
    else:
        shown = map(_unbroken, section.lines)
        lines = [element("code", x) if section.is_formula else x for x in shown]
        content = element("ul", [element("li", line) for line in lines])
    return joined(element("p", section.title, class_="heading"), content)


def _unbroken(line: str) -> Markup:
    """Return a line that breaks in no number, as browsers do behind the e- of a small one."""
    parts = map(type(line), SMALL.split(line))  # parts of a sentence are sentences
    return joined(element("span", p, class_="small") if at % 2 else p for at, p in enumerate(parts))


def line_over_the_run(values: Sequence[float]) -> Markup:
    """Return a small line over the run, from 0 to its largest value."""
    picked = [v for v in values[:: -(-len(values) // POINTS)] if math.isfinite(v)]
    top = max(picked, default=0) or 1.0
    right = WIDTH / max(len(picked) - 1, 1)
    points = (
        f"{i * right:.1f},{1 + (HEIGHT - 2) * (1 - v / top):.1f}" for i, v in enumerate(picked)
    )
    line = element("polyline", points=" ".join(points))
    box = f"0 0 {WIDTH} {HEIGHT}"
    return element("svg", line, viewBox=box, preserveAspectRatio="none", aria_hidden="true")


def _described(name: str, cells: Sequence[Child], words: str, class_: str | None) -> Markup:
    """Return a row of a table with a row of words under it."""
    under = element("tr", element("td", words, colspan=len(cells) + 1), class_="meaning")
    classes = " ".join(filter(None, ("described", class_)))
    return element("tbody", _row(name, cells), under, class_=classes)


def _row(head: Child, cells: Iterable[Child], class_: str | None = None) -> Markup:
    others = [element("td", cell) for cell in cells]
    return element("tr", element("th", head, scope="row"), others, class_=class_)
