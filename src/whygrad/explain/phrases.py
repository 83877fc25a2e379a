"""What a ledger says, part by part: the terminal and the page show the same."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from whygrad.explain.chain import chain_lines, equals, signed
from whygrad.words import number, percent, t

if TYPE_CHECKING:
    from whygrad.explain.ledger import Factor, Ledger, Pull

NOTICED = 0.005  # share of an update that rounding must swallow before it is spoken of
SHOWN_CLONES = 8
UNKNOWN = "–"


@dataclass(frozen=True)
class Row:
    """A row of a section's table.

    Attributes:
        name: what it is about.
        value: its number in words, or a number a recorded step.
        note: beside it.
        is_said: whether the note is words, and no number.
        is_last: whether it is what the rows above lead to.
    """

    name: str
    value: str | tuple[float, ...]
    note: str
    is_said: bool = False
    is_last: bool = False


@dataclass(frozen=True)
class Section:
    """A part of a ledger with a title, and below it lines or a table.

    Attributes:
        note: one sentence in place of lines.
        is_formula: whether the lines are formulas.
    """

    title: str
    lines: Sequence[str] = ()
    rows: Sequence[Row] = ()
    note: str | None = None
    is_formula: bool = False


def when(ledger: Ledger) -> str:
    """Return the step, and the epoch where it is known, with the loss of the batch."""
    if ledger.epoch is None:
        return t("ledger.when.watched", step=ledger.step, loss=ledger.loss)
    return t("ledger.when", step=ledger.step, epoch=ledger.epoch + 1, loss=ledger.loss)


def by_name(ledger: Ledger) -> str | None:
    """Return the address by names, where it has any that its numbers do not tell."""
    return ledger.named if ledger.named not in ("", str(ledger.address)) else None


def what(ledger: Ledger) -> str:
    """Return what the ledger is about."""
    place = ledger.address
    told = {
        "layer": place.layer,
        "neuron": place.neuron,
        "input": ledger.source,
        "activation": ledger.activation,
        "value": ledger.value,
    }
    return t(f"ledger.what.{place.kind}", **told)


def clones(ledger: Ledger) -> str:
    """Return which neurons are equal to this one."""
    shown = ", ".join(map(str, ledger.clones[:SHOWN_CLONES]))
    more = " …" if len(ledger.clones) > SHOWN_CLONES else ""
    return t("ledger.clones", count=len(ledger.clones), neurons=shown + more)


def meaning(factor: Factor) -> str:
    """Return what a factor means, with a mark if it is the cause."""
    words = t(f"factor.{factor.name}.meaning")
    return f"{words}  ◀\u00a0{t('ledger.mark')}" if factor.is_cause else words


def columns(ledger: Ledger) -> list[str]:
    """Return what stands above the columns of the factors."""
    kind = _kind(ledger)
    usual = "layers" if kind == "layer" else "layer"
    names = ("factor", f"value.{kind}", f"usual.{usual}", "rank")
    return [t(f"ledger.column.{name}") for name in names]


def cells(factor: Factor) -> tuple[str, str, str]:
    """Return a factor, what is usual around it, and its rank, as far as there are any."""
    value = number(factor.value) if factor.is_there else UNKNOWN
    median = UNKNOWN if math.isnan(factor.median) else number(factor.median)
    return value, median, UNKNOWN if factor.rank is None else percent(factor.rank)


def product(ledger: Ledger) -> str:
    """Return what the factors multiply to."""
    sign = equals(ledger.product, abs(ledger.gradient))
    return t(f"ledger.product.{_kind(ledger)}", sign=sign)


def _kind(ledger: Ledger) -> str:
    kind = ledger.address.kind
    return "parameter" if kind in ("weight", "bias") else kind


def sections(ledger: Ledger) -> Iterator[Section]:
    """Yield what stands below the factors and their cause."""
    if ledger.address.neuron is not None and ledger.pushers:
        yield Section(t("ledger.pushers"), lines=pusher_lines(ledger))
    elif ledger.address.neuron is not None:
        key = "ledger.pushers.loss" if ledger.is_from_loss else "ledger.pushers.watched"
        yield Section(t("ledger.pushers"), note=t(key))
    if ledger.raising or ledger.lowering:
        key = "ledger.samples" if ledger.epoch is not None else "ledger.samples.watched"
        yield Section(t(key, count=ledger.samples), lines=sample_lines(ledger))
    yield Section(t("ledger.movement"), rows=movement_rows(ledger))
    if close := closeness_lines(ledger):
        yield Section(t("ledger.closeness"), lines=close)
    steps = ledger.development.steps
    if len(steps) > 1:
        title = t(f"ledger.development.{_kind(ledger)}", first=steps[0], last=steps[-1])
        yield Section(title, rows=development_rows(ledger))
    chain = ledger.chain
    if chain is not None:
        target = named_target(ledger, chain.target)
        title = t("ledger.chain", row=chain.row, target=target, loss=chain.loss)
        yield Section(title, lines=chain_lines(ledger, chain), is_formula=True)


def pusher_lines(ledger: Ledger) -> list[str]:
    """Return who pushes: a line a neuron, and one for the rest."""
    lines = [
        t(
            "ledger.pusher",
            neuron=pusher.neuron,
            part=signed(pusher.part),
            weight=signed(pusher.weight),
            share=percent(pusher.share),
        )
        for pusher in ledger.pushers
    ]
    rest = {"rest": ledger.pushers_rest, "left": percent(ledger.left_over or 0.0)}
    return [*lines, t("ledger.pushers.rest", **rest)]


def sample_lines(ledger: Ledger) -> list[str]:
    """Return which samples pull: a line a direction, without those in which none does."""
    kind, lines = "parameter" if ledger.address.parameter else "norm", []
    for direction, pulls in (("raising", ledger.raising), ("lowering", ledger.lowering)):
        told = [_pull(ledger, pull) for pull in pulls]
        if told:
            between = t("ledger.between")
            lines.append(t(f"ledger.samples.{kind}.{direction}", samples=between.join(told)))
    return lines


def _pull(ledger: Ledger, pull: Pull) -> str:
    """Return a row and its term: as a row of the data, or by sample, position and token."""
    told = {"row": pull.row, "value": signed(pull.value)}
    if pull.target is not None:
        return t("ledger.pull", target=named_target(ledger, pull.target), **told)
    if not pull.place:
        return t("ledger.pull.row", **told)
    sample, *at = pull.place
    told |= {"sample": sample, "position": ", ".join(map(str, at)), "token": pull.token}
    if pull.token is None:
        return t("ledger.pull.place", **told)
    if pull.text is None:
        return t("ledger.pull.token", **told)
    return t("ledger.pull.text", text=repr(pull.text), **told)


def closeness_lines(ledger: Ledger) -> list[str]:
    """Return how close the numbers are, where not all was kept as it was."""
    close, lines = ledger.closeness, []
    for name in ("value", "movement", "pulls"):
        share = getattr(close, name)
        if share:
            lines.append(t(f"ledger.closeness.{name}", share=percent(share)))
    if close.share < 1:
        lines.append(t("ledger.closeness.share", share=percent(close.share)))
    if close.strongest:
        lines.append(t("ledger.closeness.strongest", count=close.strongest))
    return [*lines, t("ledger.closeness.gradient")] if lines else []


def named_target(ledger: Ledger, name: str) -> str:
    """Return the name of a target; one that whygrad itself gave in the language in use."""
    arm = re.fullmatch(r"arm (\d)", name)
    return t("data.spiral.arm", number=arm[1]) if arm and ledger.data == "spiral" else name


def movement_rows(ledger: Ledger) -> list[Row]:
    """Return what came of the gradient, stage by stage, and what rounding swallowed."""
    norm = "" if ledger.address.parameter else ".norm"
    rows = [Row(t(f"ledger.gradient{norm}"), number(ledger.gradient), "")]
    for stage in ledger.stages:
        name, after = _stage(ledger, stage.name), number(stage.after)
        if stage.name == "elsewhere":
            rows.append(Row(name, after, signed(stage.after - stage.before)))
        elif stage.factor is None:
            rows.append(Row(name, after, t("ledger.stage.memory"), is_said=True))
        else:
            rows.append(Row(name, after, f"× {number(stage.factor)}"))
    note = t("ledger.kept")
    if ledger.swallowed >= NOTICED:
        note = t("ledger.swallowed", share=percent(ledger.swallowed))
    moved = number(ledger.movement)
    return [*rows, Row(t("ledger.moved"), moved, note, is_said=True, is_last=True)]


def _stage(ledger: Ledger, name: str) -> str:
    if name == "elsewhere" and ledger.tied:
        return t("stage.elsewhere.tied", layers=", ".join(ledger.tied))
    return t(f"stage.{name}")


def development_rows(ledger: Ledger) -> list[Row]:
    """Return how each factor went over the run, with its first and its last value."""
    rows: list[Row] = []
    # where the factors before it are not 0
    are_there = np.ones(len(ledger.development.steps), bool)
    for factor in ledger.factors:
        name, values = t(f"factor.{factor.name}"), ledger.development.values.get(factor.name)
        if values is None or not are_there.any():
            rows.append(Row(name, UNKNOWN, ""))
            continue
        first, last = (number(values[at], 2) if are_there[at] else UNKNOWN for at in (0, -1))
        rows.append(Row(name, values, f"{first} → {last}"))
        are_there &= np.asarray(values) != 0
    return rows
