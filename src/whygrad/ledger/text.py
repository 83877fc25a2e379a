"""A ledger in the terminal."""

import math
from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from whygrad.ledger.record import Ledger, Pull, SampleChain, Term
from whygrad.network.activations import ACTIVATIONS
from whygrad.words import number, t

BARS = "▁▂▃▄▅▆▇█"
POINTS = 40
WIDTH = 100


def as_text(ledger: Ledger) -> str:
    """Return a ledger as plain text."""
    console = Console(file=StringIO(), width=WIDTH, color_system=None, markup=False)
    console.print(as_rich(ledger), soft_wrap=False)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined] - a StringIO
    return "\n".join(line.rstrip() for line in lines)


def as_rich(ledger: Ledger) -> RenderableType:
    """Return a ledger for a rich console."""
    parts: list[RenderableType] = [_head(ledger), _factors(ledger), _in_words(ledger)]
    parts += [*_pushers(ledger), *_samples(ledger), _movement(ledger), *_development(ledger)]
    if ledger.chain is not None:
        parts.append(_chain(ledger, ledger.chain))
    return Group(*parts)


def signed(value: float) -> str:
    """Return a number with its sign, plus included."""
    return number(value) if value < 0 else f"+{number(value)}"


def percent(share: float) -> str:
    """Return a share in per cent, without decimals."""
    return f"{100 * share:.0f} %"


def sparkline(values: tuple[float, ...]) -> str:
    """Return at most 40 bars for a series, from 0 to its largest value."""
    stride = max(-(-len(values) // POINTS), 1)
    picked = [value for value in values[::stride] if math.isfinite(value)]
    top = max(picked, default=0) or 1.0
    return "".join(BARS[min(int(value / top * len(BARS)), len(BARS) - 1)] for value in picked)


def _head(ledger: Ledger) -> RenderableType:
    when = {"step": ledger.step, "epoch": ledger.epoch + 1, "loss": ledger.loss}
    title = Text.assemble((str(ledger.address), "bold"), "  ", t("ledger.when", **when))
    what = t(f"ledger.what.{ledger.address.kind}", **_what(ledger))
    return Group(title, Text(what), *([_clones(ledger)] if ledger.clones else []))


def _what(ledger: Ledger) -> dict[str, object]:
    place = ledger.address
    return {
        "layer": place.layer,
        "neuron": place.neuron,
        "input": ledger.source,
        "activation": ledger.activation,
        "value": ledger.value,
    }


def _clones(ledger: Ledger) -> RenderableType:
    shown = ", ".join(map(str, ledger.clones[:8])) + (" …" if len(ledger.clones) > 8 else "")
    return Text(t("ledger.clones", count=len(ledger.clones), neurons=shown), style="yellow")


def _factors(ledger: Ledger) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
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
        t("ledger.product"), number(ledger.product), "", "", t(_product_key(ledger)), style="dim"
    )
    return Padding(table, (1, 0, 0, 2))


def _product_key(ledger: Ledger) -> str:
    kind = ledger.address.kind
    return f"ledger.product.{'parameter' if kind in ('weight', 'bias') else kind}"


def _in_words(ledger: Ledger) -> RenderableType:
    key, values = ledger.cause
    return Padding(Text(t(key, **values)), (1, 0, 0, 2))


def _pushers(ledger: Ledger) -> list[RenderableType]:
    if ledger.address.neuron is None:
        return []
    title = Text(t("ledger.pushers"), style="bold")
    if not ledger.pushers:
        return [Padding(Group(title, Text(f"  {t('ledger.pushers.loss')}")), (1, 0, 0, 0))]
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
    values = {"rest": ledger.pushers_rest, "left": percent(ledger.left_over or 0.0)}
    lines.append(t("ledger.pushers.rest", **values))
    return [Padding(Group(title, *(Text(f"  {line}") for line in lines)), (1, 0, 0, 0))]


def _samples(ledger: Ledger) -> list[RenderableType]:
    kind = "parameter" if ledger.address.parameter else "norm"
    lines = [Text(t("ledger.samples", count=ledger.samples), style="bold")]
    for direction, pulls in (("raising", ledger.raising), ("lowering", ledger.lowering)):
        if pulls:
            listed = "; ".join(_pull(pull) for pull in pulls)
            lines.append(Text(f"  {t(f'ledger.samples.{kind}.{direction}', samples=listed)}"))
    return [Padding(Group(*lines), (1, 0, 0, 0))] if len(lines) > 1 else []


def _pull(pull: Pull) -> str:
    return t("ledger.pull", row=pull.row, target=pull.target, value=signed(pull.value))


def _movement(ledger: Ledger) -> RenderableType:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    norm = "" if ledger.address.parameter else ".norm"
    table.add_row(t(f"ledger.gradient{norm}"), number(ledger.gradient), "")
    for stage in ledger.stages:
        factor = stage.factor
        note = t("ledger.stage.memory") if factor is None else f"× {number(factor)}"
        words = t(f"stage.{stage.name}")
        table.add_row(words, number(stage.after), note)
    table.add_row(t("ledger.moved"), number(ledger.movement), _rounding(ledger))
    title = Text(t("ledger.movement"), style="bold")
    return Padding(Group(title, Padding(table, (0, 0, 0, 2))), (1, 0, 0, 0))


def _rounding(ledger: Ledger) -> str:
    if ledger.swallowed < 0.005:
        return t("ledger.kept")
    return t("ledger.swallowed", share=percent(ledger.swallowed))


def _development(ledger: Ledger) -> list[RenderableType]:
    steps = ledger.development.steps
    if len(steps) < 2:
        return []
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for _ in range(3):
        table.add_column(no_wrap=True)
    for name, values in ledger.development.values.items():
        ends = f"{number(values[0], 2)} → {number(values[-1], 2)}"
        table.add_row(t(f"factor.{name}"), sparkline(values), ends)
    whose = "layer" if ledger.address.neuron is None else "neuron"
    words = {"first": steps[0], "last": steps[-1]}
    title = Text(t(f"ledger.development.{whose}", **words), style="bold")
    return [Padding(Group(title, Padding(table, (0, 0, 0, 2))), (1, 0, 0, 0))]


def _chain(ledger: Ledger, chain: SampleChain) -> RenderableType:
    head = {"row": chain.row, "target": chain.target, "loss": chain.loss}
    title = Text(t("ledger.chain", **head), style="bold")
    lines = [f"  {line}" for line in chain_lines(ledger, chain)]
    return Padding(Group(title, *(Text(line) for line in lines)), (1, 0, 0, 0))


def chain_lines(ledger: Ledger, chain: SampleChain) -> list[str]:
    """Return the chain of one sample as formulas with their numbers, one a line."""
    bias = [] if chain.bias is None else [signed(chain.bias)]
    z = " ".join([weighted_sum(chain.terms, chain.rest), *bias])
    lines = [
        f"z = Σ w · x + b = {z} = {number(chain.preactivation)}",
        f"a = {chain.activation}(z) = {number(chain.output)}",
    ]
    if chain.upstream_terms:
        asked = weighted_sum(chain.upstream_terms, chain.upstream_rest)
        lines.append(f"dC/da = Σ w · δ = {asked} = {number(chain.upstream)}")
    elif chain.is_matched:
        lines.append(t("ledger.chain.matched", value=chain.upstream))
    else:
        lines.append(t("ledger.chain.loss", value=chain.upstream))
    lines += _delta_lines(chain)
    name = {"weight": "x", "bias": "1", "neuron": "‖x‖"}[ledger.address.kind]
    product = f"{number(chain.delta)} · {number(chain.input)} = {number(chain.gradient)}"
    lines.append(t("ledger.chain.gradient", formula=f"δ · {name} = {product}"))
    return lines


def _delta_lines(chain: SampleChain) -> list[str]:
    if ACTIVATIONS[chain.activation].is_coupled and not chain.is_matched:
        return [t("ledger.chain.coupled", delta=chain.delta)]
    factors = f"{number(chain.upstream)} · {number(chain.slope)}"
    return [
        f"f'(z) = {number(chain.slope)}",
        f"δ = dC/da · f'(z) = {factors} = {number(chain.delta)}",
    ]


def weighted_sum(terms: tuple[Term, ...], rest: float) -> str:
    """Return the largest terms of a sum, each with its label, and the rest as one number."""
    shown = [f"{signed(term.weight)}·{number(term.value)} [{term.label}]" for term in terms]
    return " ".join([*shown, signed(rest) + " […]"])
