"""The loss of a watched step: what it was, and what it was made of."""

from collections.abc import Mapping, Sequence
from typing import Any

from whygrad.record.folder import RunFolder
from whygrad.words import MINUS, number, t

ROUNDING = 1e-4  # of the parts: what is left over below it is none


def named_parts(facts: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """Return what loss functions gave to the loss of a step.

    Returns:
        By name the weight with which its calls count, and how much of the loss they are. A part
        that is not finite is NaN.
    """
    found: dict[str, tuple[float, float]] = {}
    for call in facts.get("losses", []):
        if "part" in call and (call["weight"], call["part"]) != (None, None):
            weight, part = found.get(call["name"], (0.0, 0.0))
            more = [float("nan") if call[key] is None else call[key] for key in ("weight", "part")]
            found[call["name"]] = (weight + more[0], part + more[1])
    return [(name, weight, part) for name, (weight, part) in found.items()]


def told_loss(run: RunFolder, step: int | None = None) -> str | None:
    """Return in a sentence the loss of a step, and what it is made of; None where it is unknown.

    Args:
        step: a recorded one; default: the last of which the loss is known.
    """
    facts = {one["step"]: one for one in run.facts}
    known = [line for line in run.history_lines if line.get("loss") is not None]
    known = [line for line in known if step in (None, line["step"])]
    if not known:
        return None
    loss, step = known[-1]["loss"], known[-1]["step"]
    of_step = facts.get(step, {})
    parts = named_parts(of_step)
    if not parts:
        return t("watched.loss", loss=loss, step=step) + _scale(of_step)
    rest = loss - sum(part for _, _, part in parts)
    terms = [(part, t("watched.loss.term", weight=w, name=name)) for name, w, part in parts]
    if not abs(rest) < ROUNDING * max(abs(part) for _, _, part in parts):
        terms.append((rest, t("watched.loss.rest")))
    told = {"loss": loss, "step": step, "parts": _sum(terms)}
    calculated = sum(float(f"{part:.4g}") for part, _ in terms)  # by whoever reads it
    told["sign"] = "=" if number(calculated) == number(loss) else "≈"
    return t("watched.loss.made_of", **told) + _scale(of_step)


def _sum(terms: Sequence[tuple[float, str]]) -> str:
    """Return numbers added up, each with what it is in brackets."""
    (first, name), *others = terms
    text = f"{number(first)} ({name})"
    for part, name in others:
        text += f" {MINUS if part < 0 else '+'} {number(abs(part))} ({name})"
    return text


def _scale(facts: Mapping[str, Any]) -> str:
    scales = ", ".join(number(scale, 6) for scale in facts.get("scales", []) if scale)
    return t("watched.loss.scale", scale=scales) if scales else ""
