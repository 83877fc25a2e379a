"""The sentences of a ledger that the terminal and the page share."""

from typing import TYPE_CHECKING

from whygrad.record.activations import FACTS
from whygrad.words import number, t

if TYPE_CHECKING:
    from whygrad.explain.ledger import Ledger, Pull, SampleChain, StageEntry, Term

NOTICED = 0.005  # share of an update that rounding must swallow before it is spoken of


def signed(value: float) -> str:
    """Return a number with its sign, plus included."""
    return number(value) if value < 0 else f"+{number(value)}"


def percent(share: float) -> str:
    """Return a share in per cent, without decimals."""
    return f"{100 * share:.0f} %"


def product_key(ledger: "Ledger") -> str:
    """Return the key of the sentence that says what the factors multiply to."""
    kind = ledger.address.kind
    return f"ledger.product.{'parameter' if kind in ('weight', 'bias') else kind}"


def when(ledger: "Ledger") -> str:
    """Return the step, and the epoch where it is known, with the loss of the batch."""
    if ledger.epoch is None:
        return t("ledger.when.watched", step=ledger.step, loss=ledger.loss)
    return t("ledger.when", step=ledger.step, epoch=ledger.epoch + 1, loss=ledger.loss)


def no_pushers(ledger: "Ledger") -> str:
    """Return why nobody is listed as pushing."""
    return t("ledger.pushers.loss" if ledger.is_from_loss else "ledger.pushers.watched")


def samples_title(ledger: "Ledger") -> str:
    """Return what stands above the samples that pull."""
    key = "ledger.samples" if ledger.epoch is not None else "ledger.samples.watched"
    return t(key, count=ledger.samples)


def pusher_lines(ledger: "Ledger") -> list[str]:
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


def sample_lines(ledger: "Ledger") -> list[str]:
    """Return which samples pull: a line a direction, without those in which none does."""
    kind = "parameter" if ledger.address.parameter else "norm"
    directions = {"raising": ledger.raising, "lowering": ledger.lowering}
    return [
        t(
            f"ledger.samples.{kind}.{direction}",
            samples=t("ledger.between").join(map(_pull, pulls)),
        )
        for direction, pulls in directions.items()
        if pulls
    ]


def _pull(pull: "Pull") -> str:
    if pull.target is None:
        return t("ledger.pull.row", row=pull.row, value=signed(pull.value))
    return t("ledger.pull", row=pull.row, target=pull.target, value=signed(pull.value))


def stage_note(stage: "StageEntry") -> str | None:
    """Return what a stage multiplied with or added, or None where it worked from its memory."""
    if stage.name == "elsewhere":
        return signed(stage.after - stage.before)
    return None if stage.factor is None else f"× {number(stage.factor)}"


def rounding(ledger: "Ledger") -> str:
    """Return how much of the update float rounding swallowed."""
    if ledger.swallowed < NOTICED:
        return t("ledger.kept")
    return t("ledger.swallowed", share=percent(ledger.swallowed))


def chain_lines(ledger: "Ledger", chain: "SampleChain") -> list[str]:
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


def _delta_lines(chain: "SampleChain") -> list[str]:
    if FACTS[chain.activation].is_coupled and not chain.is_matched:
        return [t("ledger.chain.coupled", delta=chain.delta)]
    factors = f"{number(chain.upstream)} · {number(chain.slope)}"
    return [
        f"f'(z) = {number(chain.slope)}",
        f"δ = dC/da · f'(z) = {factors} = {number(chain.delta)}",
    ]


def weighted_sum(terms: "tuple[Term, ...]", rest: float) -> str:
    """Return the largest terms of a sum, each with its label, and the rest as one number."""
    shown = [f"{signed(term.weight)}·{number(term.value)} [{term.label}]" for term in terms]
    return " ".join([*shown, signed(rest) + " […]"])
