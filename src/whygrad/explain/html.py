"""A ledger in a notebook and in a report: a fragment of HTML that brings its own style.

It takes ink and paper from around it, so that it is at home on light and on dark.
"""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from whygrad.explain.phrases import (
    chain_lines,
    no_pushers,
    percent,
    product_key,
    pusher_lines,
    rounding,
    sample_lines,
    samples_title,
    stage_note,
    when,
)
from whygrad.words import language, number, t
from whygrad.words.markup import TAGS, Child, Markup, element, joined

if TYPE_CHECKING:
    from whygrad.explain.ledger import Factor, Ledger, SampleChain, StageEntry

SHOWN_CLONES = 8
POINTS = 120  # of a line over the run
WIDTH, HEIGHT = 120, 22

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
.whygrad-ledger .product{border-top:2px solid var(--line)}
.whygrad-ledger .cause{border-left:3px solid var(--orange,#c2590c);padding-left:.7em}
.whygrad-ledger .cause.none{border-color:var(--line)}
.whygrad-ledger .bar{display:block;width:2.6em;height:3px;margin-left:auto;background:var(--line)}
.whygrad-ledger .bar i{display:block;height:3px;background:var(--blue,#3b82d0)}
.whygrad-ledger svg{display:block;width:clamp(60px,25vw,120px);height:22px}
.whygrad-ledger polyline{fill:none;stroke:var(--blue,#3b82d0);stroke-width:1.5}
.whygrad-ledger code{font-size:.9em;background:none;color:inherit;overflow-wrap:anywhere}
"""


def as_html(ledger: "Ledger") -> str:
    """Return a ledger as an HTML fragment with its style, in the language in use."""
    return joined(element("style", Markup(STYLE)), as_body(ledger))


def as_body(ledger: "Ledger") -> Markup:
    """Return the fragment without its style, for a page that has :data:`STYLE` once."""
    parts = [_head(ledger), _factors(ledger), _cause(ledger), _pushers(ledger), _samples(ledger)]
    parts += [_movement(ledger), _development(ledger), _chain(ledger, ledger.chain)]
    return element("div", parts, class_="whygrad-ledger", lang=TAGS[language()])


def _head(ledger: "Ledger") -> Markup:
    what = {
        "layer": ledger.address.layer,
        "neuron": ledger.address.neuron,
        "input": ledger.source,
        "activation": ledger.activation,
        "value": ledger.value,
    }
    return joined(
        element("p", element("b", str(ledger.address)), when(ledger), class_="address"),
        element("p", t(f"ledger.what.{ledger.address.kind}", **what)),
        _clones(ledger.clones),
    )


def _clones(clones: Sequence[int]) -> Markup | None:
    if not clones:
        return None
    shown = ", ".join(map(str, clones[:SHOWN_CLONES]))
    more = " …" if len(clones) > SHOWN_CLONES else ""
    words = t("ledger.clones", count=len(clones), neurons=shown + more)
    return element("p", words, class_="cause")


def _factors(ledger: "Ledger") -> Markup:
    names = [t(f"ledger.column.{name}") for name in ("factor", "value", "usual", "rank")]
    head = element("tr", [element("th", name, scope="col") for name in names])
    rows = [
        _described(
            t(f"factor.{factor.name}"),
            (number(factor.value), number(factor.median), _rank(factor.rank)),
            _meaning(factor),
            "is-cause" if factor.is_cause else None,
        )
        for factor in ledger.factors
    ]
    meaning = t(product_key(ledger))
    product = (number(ledger.product), "", "")
    rows.append(_described(t("ledger.product"), product, meaning, "product"))
    return element("div", element("table", element("thead", head), rows), class_="scroll")


def _meaning(factor: "Factor") -> str:
    meaning = t(f"factor.{factor.name}.meaning")
    return f"{meaning}  ◀ {t('ledger.mark')}" if factor.is_cause else meaning


def _rank(share: float) -> Markup:
    filled = element("i", style=f"width:{100 * share:.0f}%")
    return joined(percent(share), element("span", filled, class_="bar", aria_hidden="true"))


def _cause(ledger: "Ledger") -> Markup:
    key, values = ledger.cause
    is_one = any(factor.is_cause for factor in ledger.factors)
    return element("p", t(key, **values), class_="cause" if is_one else "cause none")


def _pushers(ledger: "Ledger") -> Markup | None:
    if ledger.address.neuron is None:
        return None
    if not ledger.pushers:
        return _part(t("ledger.pushers"), element("p", no_pushers(ledger)))
    return _part(t("ledger.pushers"), _list(pusher_lines(ledger)))


def _samples(ledger: "Ledger") -> Markup | None:
    lines = sample_lines(ledger)
    return _part(samples_title(ledger), _list(lines)) if lines else None


def _movement(ledger: "Ledger") -> Markup:
    norm = "" if ledger.address.parameter else ".norm"
    rows = [_row(t(f"ledger.gradient{norm}"), (number(ledger.gradient), ""))]
    rows += [_stage(stage) for stage in ledger.stages]
    moved = (number(ledger.movement), _words(rounding(ledger)))
    rows.append(_row(t("ledger.moved"), moved, "product"))
    return _part(t("ledger.movement"), _table(rows))


def _stage(stage: "StageEntry") -> Markup:
    note = stage_note(stage) or _words(t("ledger.stage.memory"))
    return _row(t(f"stage.{stage.name}"), (number(stage.after), note))


def _development(ledger: "Ledger") -> Markup | None:
    steps = ledger.development.steps
    if len(steps) < 2:
        return None
    rows = [
        _row(t(f"factor.{name}"), (_line(values), f"{_short(values[0])} → {_short(values[-1])}"))
        for name, values in ledger.development.values.items()
    ]
    whose = "layer" if ledger.address.neuron is None else "neuron"
    title = t(f"ledger.development.{whose}", first=steps[0], last=steps[-1])
    return _part(title, _table(rows))


def _short(value: float) -> str:
    return number(value, 2)


def _line(values: Sequence[float]) -> Markup:
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


def _chain(ledger: "Ledger", chain: "SampleChain | None") -> Markup | None:
    if chain is None:
        return None
    title = t("ledger.chain", row=chain.row, target=chain.target, loss=chain.loss)
    return _part(title, _list(element("code", line) for line in chain_lines(ledger, chain)))


def _part(title: str, content: Markup) -> Markup:
    return joined(element("p", title, class_="heading"), content)


def _described(name: str, cells: Sequence[Child], meaning: str, class_: str | None) -> Markup:
    """Return a row of a table with a row of words under it."""
    words = element("tr", element("td", meaning, colspan=len(cells) + 1), class_="meaning")
    classes = " ".join(filter(None, ("described", class_)))
    return element("tbody", _row(name, cells), words, class_=classes)


def _words(text: str) -> Markup:
    return element("span", text, class_="words")


def _list(lines: Iterable[Child]) -> Markup:
    return element("ul", [element("li", line) for line in lines])


def _row(head: Child, cells: Iterable[Child], class_: str | None = None) -> Markup:
    others = [element("td", cell) for cell in cells]
    return element("tr", element("th", head, scope="row"), others, class_=class_)


def _table(rows: Iterable[Markup]) -> Markup:
    return element("div", element("table", element("tbody", rows)), class_="scroll")
