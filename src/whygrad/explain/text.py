"""A ledger in the terminal."""

import math
from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding

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
from whygrad.words import number, t
from whygrad.words.terminal import RenderableType, Table, Text, as_plain, assembled

if TYPE_CHECKING:
    from whygrad.explain.ledger import Ledger, SampleChain

BARS = "▁▂▃▄▅▆▇█"
POINTS = 40
WIDTH = 100


def as_text(ledger: "Ledger") -> str:
    """Return a ledger as plain text."""
    return as_plain(as_rich(ledger), WIDTH)


def as_rich(ledger: "Ledger") -> RenderableType:
    """Return a ledger for a rich console."""
    parts: list[RenderableType] = [_head(ledger), _factors(ledger), _in_words(ledger)]
    parts += [*_pushers(ledger), *_samples(ledger), _movement(ledger), *_development(ledger)]
    if ledger.chain is not None:
        parts.append(_chain(ledger, ledger.chain))
    return Group(*parts)


def sparkline(values: tuple[float, ...]) -> str:
    """Return at most 40 bars for a series, from 0 to its largest value."""
    stride = max(-(-len(values) // POINTS), 1)
    picked = [value for value in values[::stride] if math.isfinite(value)]
    top = max(picked, default=0) or 1.0
    return "".join(BARS[min(int(value / top * len(BARS)), len(BARS) - 1)] for value in picked)


def _head(ledger: "Ledger") -> RenderableType:
    title = assembled((str(ledger.address), "bold"), "  ", when(ledger))
    what = t(f"ledger.what.{ledger.address.kind}", **_what(ledger))
    return Group(title, Text(what), *([_clones(ledger)] if ledger.clones else []))


def _what(ledger: "Ledger") -> dict[str, object]:
    place = ledger.address
    return {
        "layer": place.layer,
        "neuron": place.neuron,
        "input": ledger.source,
        "activation": ledger.activation,
        "value": ledger.value,
    }


def _clones(ledger: "Ledger") -> RenderableType:
    shown = ", ".join(map(str, ledger.clones[:8])) + (" …" if len(ledger.clones) > 8 else "")
    return Text(t("ledger.clones", count=len(ledger.clones), neurons=shown), style="yellow")


def _factors(ledger: "Ledger") -> RenderableType:
    table = Table()
    table.add_column(t("ledger.column.factor"), no_wrap=True)
    for name in ("value", "usual", "rank"):
        table.add_column(t(f"ledger.column.{name}"), justify="right", no_wrap=True)
    table.add_column(t("ledger.column.meaning"))
    for factor in ledger.factors:
        mark = f"  ◀ {t('ledger.mark')}" if factor.is_cause else ""
        table.add_row(
            t(f"factor.{factor.name}"),
            number(factor.value),
            number(factor.median),
            percent(factor.rank),
            t(f"factor.{factor.name}.meaning") + mark,
            style="bold" if factor.is_cause else "",
        )
    table.add_row(
        t("ledger.product"), number(ledger.product), "", "", t(product_key(ledger)), style="dim"
    )
    return Padding(table, (1, 0, 0, 2))


def _in_words(ledger: "Ledger") -> RenderableType:
    key, values = ledger.cause
    return Padding(Text(t(key, **values)), (1, 0, 0, 2))


def _pushers(ledger: "Ledger") -> list[RenderableType]:
    if ledger.address.neuron is None:
        return []
    title = Text(t("ledger.pushers"), style="bold")
    if not ledger.pushers:
        return [Padding(Group(title, Text(f"  {no_pushers(ledger)}")), (1, 0, 0, 0))]
    lines = pusher_lines(ledger)
    return [Padding(Group(title, *(Text(f"  {line}") for line in lines)), (1, 0, 0, 0))]


def _samples(ledger: "Ledger") -> list[RenderableType]:
    lines = [Text(f"  {line}") for line in sample_lines(ledger)]
    title = Text(samples_title(ledger), style="bold")
    return [Padding(Group(title, *lines), (1, 0, 0, 0))] if lines else []


def _movement(ledger: "Ledger") -> RenderableType:
    table = Table(show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    norm = "" if ledger.address.parameter else ".norm"
    table.add_row(t(f"ledger.gradient{norm}"), number(ledger.gradient), "")
    for stage in ledger.stages:
        note = stage_note(stage) or t("ledger.stage.memory")
        table.add_row(t(f"stage.{stage.name}"), number(stage.after), note)
    table.add_row(t("ledger.moved"), number(ledger.movement), rounding(ledger))
    title = Text(t("ledger.movement"), style="bold")
    return Padding(Group(title, Padding(table, (0, 0, 0, 2))), (1, 0, 0, 0))


def _development(ledger: "Ledger") -> list[RenderableType]:
    steps = ledger.development.steps
    if len(steps) < 2:
        return []
    table = Table(show_header=False)
    for _ in range(3):
        table.add_column(no_wrap=True)
    for name, values in ledger.development.values.items():
        ends = f"{number(values[0], 2)} → {number(values[-1], 2)}"
        table.add_row(t(f"factor.{name}"), sparkline(values), ends)
    whose = "layer" if ledger.address.neuron is None else "neuron"
    words = {"first": steps[0], "last": steps[-1]}
    title = Text(t(f"ledger.development.{whose}", **words), style="bold")
    return [Padding(Group(title, Padding(table, (0, 0, 0, 2))), (1, 0, 0, 0))]


def _chain(ledger: "Ledger", chain: "SampleChain") -> RenderableType:
    head = {"row": chain.row, "target": chain.target, "loss": chain.loss}
    title = Text(t("ledger.chain", **head), style="bold")
    lines = [f"  {line}" for line in chain_lines(ledger, chain)]
    return Padding(Group(title, *(Text(line) for line in lines)), (1, 0, 0, 0))
