"""The chain rule for one sample as formulas, in which "=" holds for whoever calculates.

A number is printed rounded, so a product of two printed numbers may differ from the printed product
in its last digit. There, and of functions of a rounded number, it says ≈.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from whygrad.record.activations import FACTS
from whygrad.words import number, t

if TYPE_CHECKING:
    from whygrad.explain.ledger import Ledger, SampleChain, Smoothing, Term

DIGITS = 4  # of a number in a line
BOUNDED: dict[str, tuple[str, Callable[[float], float]]] = {  # losses that bound a − y
    "absolute": ("sign({})", lambda gap: float((gap > 0) - (gap < 0))),
    "huber": ("clip({}, −1, 1)", lambda gap: min(max(gap, -1.0), 1.0)),
}


def chain_lines(ledger: Ledger, chain: SampleChain) -> list[str]:
    """Return the chain of one sample as formulas with their numbers, one a line."""
    bias = () if chain.bias is None else (chain.bias,)
    z = weighted_sum(chain.terms, chain.rest, bias, chain.preactivation)
    lines = [f"z = Σ w · x{' + b' if bias else ''} = {z}", _output(chain)]
    if chain.smoothing is not None:
        lines.append(_smoothed(chain.smoothing, chain.wanted))
    if chain.is_matched:
        lines.append(_matched(chain))
    else:
        lines += _upstream_and_delta(chain)
    name = {"weight": "x", "bias": "1", "neuron": "‖x‖"}[ledger.address.kind]
    formula = _product(chain.delta, chain.input, chain.gradient)
    return [*lines, t("ledger.chain.gradient", formula=f"δ · {name} = {formula}")]


def _output(chain: SampleChain) -> str:
    facts, value = FACTS[chain.activation], number(chain.output)
    if facts.is_coupled:
        return t("ledger.chain.output_coupled", activation=chain.activation, value=chain.output)
    if facts.is_homogeneous:  # then it is its slope times z, also where the loss took that for 1
        slope = chain.output / chain.preactivation if chain.preactivation else 0.0
        sign = equals(round(slope, 6) * printed(chain.preactivation), chain.output)
    else:  # of a rounded z
        sign = "≈"
    return f"a = {chain.activation}(z) {sign} {value}"


def _smoothed(smoothing: Smoothing, wanted: float) -> str:
    amount, classes = printed(smoothing.amount), smoothing.classes
    found = (1 - amount) * printed(smoothing.target) + amount / classes
    terms = f"(1 − {number(amount)}) · {number(smoothing.target)} + {number(amount)} / {classes}"
    return t(
        "ledger.chain.smoothed", formula=f"y = {terms} {equals(found, wanted)} {number(wanted)}"
    )


def _matched(chain: SampleChain) -> str:
    """Return δ where output activation and loss are one function of z.

    It is told with as many digits of the output as it takes to find δ from them.
    """
    form, bound = BOUNDED.get(chain.loss_name, ("{}", float))
    wanted = f"({number(chain.wanted)})" if chain.wanted < 0 else number(chain.wanted)
    for digits in range(DIGITS, 9):
        found = bound(printed(chain.claim, digits) - printed(chain.wanted))
        if equals(found, chain.delta) == "=":
            break
    if not math.isclose(found, chain.delta, rel_tol=1e-3, abs_tol=1e-6):
        return t("ledger.chain.matched.other", value=chain.delta)
    output = "a" if chain.link == "identity" else f"{chain.link}(a)"
    numbers = form.format(f"{number(chain.claim, digits)} − {wanted}")
    result = f"{numbers} {equals(found, chain.delta)} {number(chain.delta)}"
    return t(
        "ledger.chain.matched", formula=f"δ = dC/dz = {form.format(f'{output} − y')} = {result}"
    )


def _upstream_and_delta(chain: SampleChain) -> list[str]:
    if chain.upstream_terms:
        asked = weighted_sum(chain.upstream_terms, chain.upstream_rest, (), chain.upstream)
        lines: list[str] = [f"dC/da = Σ w · δ = {asked}"]
    else:
        lines = [t("ledger.chain.loss", value=chain.upstream)]
    if FACTS[chain.activation].is_coupled:
        return [*lines, t("ledger.chain.coupled", delta=chain.delta)]
    sign = "=" if FACTS[chain.activation].is_homogeneous else "≈"
    lines.append(f"f′(z) {sign} {number(chain.slope)}")
    return [*lines, f"δ = dC/da · f′(z) = {_product(chain.upstream, chain.slope, chain.delta)}"]


def _product(first: float, second: float, result: float) -> str:
    sign = equals(printed(first) * printed(second), result)
    return f"{number(first)} · {number(second)} {sign} {number(result)}"


def weighted_sum(
    terms: tuple[Term, ...], rest: float, more: tuple[float, ...], result: float
) -> str:
    """Return a sum and its result: the largest terms, each with its label, and the others as one.

    Args:
        more: terms without a weight.
    """
    shown = [f"{signed(term.weight)}·{number(term.value)} [{term.label}]" for term in terms]
    shown += [f"{signed(rest)} […]"] if rest else []
    shown += map(signed, more)
    found = sum(printed(term.weight) * printed(term.value) for term in terms)
    found += sum(map(printed, (rest, *more)))
    return f"{' '.join(shown)} {equals(found, result)} {number(result)}"


def signed(value: float) -> str:
    """Return a number with its sign, plus included."""
    return number(value) if value < 0 else f"+{number(value)}"


def equals(calculated: float, result: float) -> str:
    """Return = where a calculator finds the digits of a result that are printed, else ≈."""
    return "=" if number(calculated) == number(result) else "≈"


def printed(value: float, digits: int = DIGITS) -> float:
    """Return a number as a reader takes it from the line, with the digits that are printed."""
    return float(f"{value:.{digits}g}")
