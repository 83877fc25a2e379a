"""A diagnosis in words, for a terminal."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from whygrad.doctor.thresholds import CURED, EARLY, ENOUGH_LOSSES, SEEDS
from whygrad.doctor.wording import (
    in_short,
    line_to_change,
    name_of,
    remedy_sentence,
    sentence,
    share_text,
    told_together,
)
from whygrad.words import number, t

if TYPE_CHECKING:
    from whygrad.doctor.diagnosis import Diagnosis
    from whygrad.doctor.finding import Finding
    from whygrad.doctor.trials import Outcome
    from whygrad.doctor.verifying import Trial

SHOWN_NEURONS = 6
SHOWN_TRIALS = 6
BARS = "▁▂▃▄▅▆▇█"
POINTS = 40


def render(diagnosis: "Diagnosis") -> str:
    """Return a diagnosis as text: the verdict, the findings, what was tried, what to do."""
    parts = [verdict(diagnosis)]
    causes, refuted = _parted(diagnosis.findings)
    is_open = diagnosis.best is None
    parts += [_block(found, rank, is_open) for rank, found in enumerate(causes, start=1)]
    if refuted:
        parts.append("\n".join([t("doctor.refuted"), *_each(refuted)]))
    if diagnosis.trials:
        parts.append("\n".join(_trials(diagnosis)))
    if diagnosis.best is not None:
        parts.append("\n".join(_advice(diagnosis, diagnosis.best)))
    elif any(finding.can_be_tried for finding in diagnosis.findings):
        parts.append(t("doctor.not_tried"))
    if diagnosis.notes:
        parts.append("\n".join([t(heading_of_notes(diagnosis)), *_each(diagnosis.notes)]))
    return "\n\n".join(parts)


def _parted(findings: "Sequence[Finding]") -> "tuple[list[Finding], list[Finding]]":
    """Return the findings that may be the cause, and those whose remedies brought little back.

    Where none did, all of them may be: it may take two changes.
    """
    causes = [finding for finding in findings if not finding.is_refuted]
    refuted = [finding for finding in findings if finding.is_refuted]
    return (causes, refuted) if causes else (refuted, [])


def _each(findings: "Sequence[Finding]") -> Iterator[str]:
    """Yield findings in a line each."""
    for finding in findings:
        yield f"  {in_short(finding)}"


def heading_of_notes(diagnosis: "Diagnosis") -> str:
    """Return the key of what is said above the notes: harmless here, or not known yet."""
    return "doctor.notes.early" if diagnosis.is_early else "doctor.notes"


def verdict(diagnosis: "Diagnosis") -> str:
    """Return whether the network learns, in a sentence or two."""
    if diagnosis.steps is not None:
        key = "doctor.watched.healthy" if diagnosis.is_healthy else "doctor.watched.ill"
        told = t(key, steps=diagnosis.steps, count=len(diagnosis.findings))
        early = t("doctor.watched.early", least=EARLY, recorded=ENOUGH_LOSSES)
        return t("doctor.space").join([told, early]) if diagnosis.is_early else told
    learned = share_text(diagnosis.learned)
    if diagnosis.is_healthy:
        return t("doctor.healthy", learned=learned)
    baseline = diagnosis.baseline
    assert baseline is not None, "whoever judges has measured what there is to learn"
    values = {
        "learned": learned,
        "measure": t(f"doctor.measure.{diagnosis.measure}"),
        "value": number(float(np.median(diagnosis.measures)), 3),
        "floor": number(baseline.floor, 3),
        "level": number(baseline.level, 3),
    }
    sentences = [t("doctor.ill", **values)]
    if diagnosis.plateau:
        sentences.append(t(f"doctor.plateau.{diagnosis.plateau}"))
    if baseline.is_by_heart:
        sentences.append(t("doctor.by_heart"))
    return t("doctor.space").join(sentences)


def _block(finding: "Finding", rank: int, with_remedies: bool) -> str:
    """Return a finding: name, where and when, what it says, and what may help."""
    name, component = name_of(finding), t(f"doctor.component.{finding.component}")
    key = "doctor.found" if finding.can_be_tried else "doctor.watched.found"
    lines = [t(key, rank=rank, name=name, component=component)]
    lines += [f"   {sentence(finding)}", f"   {where_and_when(finding)}"]
    if not finding.can_be_tried:
        lines.append("   " + t("doctor.watched.change", line=line_to_change(finding)))
    elif with_remedies:
        lines += [
            "   " + t("doctor.may_help", remedy=remedy_sentence(remedy))
            for remedy in finding.remedies[:2]
        ]
    return "\n".join(lines)


def where_and_when(finding: "Finding") -> str:
    """Return which factor fails first, where, when, and how sure that is."""
    return t("doctor.joint").join(_facts(finding))


def _facts(finding: "Finding") -> Iterator[str]:
    if finding.factor is None:
        yield t("doctor.factor.none")
    else:
        yield t("doctor.factor", factor=t(f"doctor.factor.{finding.factor}"))
    if finding.layer and finding.neurons:
        shown = ", ".join(map(str, finding.neurons[:SHOWN_NEURONS]))
        more = " …" if len(finding.neurons) > SHOWN_NEURONS else ""
        values = {"layer": finding.layer, "count": len(finding.neurons), "neurons": shown + more}
        yield t("doctor.where.neurons", **values)
    elif finding.layer:
        yield t("doctor.where", layer=finding.layer)
    is_told = finding.factor != "optimizer" or not finding.can_be_tried
    if finding.step is not None and is_told:
        key = "start" if finding.step == 0 else "step"
        yield t(f"doctor.when.{key}", step=finding.step)
    yield t("doctor.sure", share=share_text(finding.confidence))
    if finding.explained is not None:
        yield t("doctor.explained", share=share_text(finding.explained))


def _trials(diagnosis: "Diagnosis") -> Iterator[str]:
    """Yield the trials, the best ones first: reached, learned, and what was changed."""
    yield t("doctor.tried", seeds=len(SEEDS))
    yield _row(diagnosis.measures, diagnosis.learned, t("doctor.tried.original"))
    ranked = sorted(diagnosis.trials, key=lambda trial: -trial.learned)
    for trial in ranked[:SHOWN_TRIALS]:
        yield _row(trial.outcome.measures, trial.learned, told_together(trial.remedies))
    if len(ranked) > SHOWN_TRIALS:
        yield "  " + t("doctor.tried.more", count=len(ranked) - SHOWN_TRIALS)


def _row(measures: tuple[float, ...], learned: float, name: str) -> str:
    return f"  {number(float(np.median(measures)), 3):<8}{share_text(learned):>5}  {name}"


def _advice(diagnosis: "Diagnosis", best: "Trial") -> Iterator[str]:
    """Yield what to do, whether it held, and both loss curves."""
    yield t("doctor.advice" if diagnosis.verdict == "held" else "doctor.nearest")
    for remedy in best.remedies:
        yield f"  {remedy_sentence(remedy)}"
    values = {
        "before": number(float(np.median(diagnosis.measures)), 3),
        "after": number(best.outcome.median, 3),
        "seeds": len(SEEDS),
    }
    key = diagnosis.verdict.replace(" ", "_")
    yield "  " + t(f"doctor.verdict.{key}", **values, cause=_cause(diagnosis)).strip()
    if diagnosis.before is not None:
        yield "  " + t("doctor.curve")
        yield f"    {_bars(diagnosis.before)}"
        yield f"    {_bars(best.outcome)}"


def _cause(diagnosis: "Diagnosis") -> str:
    """Return whether the cause itself is gone."""
    if not diagnosis.remaining:
        return t("doctor.cause.gone")
    names = ", ".join(t(f"doctor.{kind}.name") for kind in diagnosis.remaining)
    is_harmless = diagnosis.best is not None and diagnosis.best.learned >= CURED
    return t(f"doctor.cause.{'harmless' if is_harmless else 'stays'}", names=names)


def _bars(outcome: "Outcome") -> str:
    """Return the median loss over the run as bars, with its first and last value."""
    losses = np.median(outcome.trained.losses, axis=0)
    chosen = losses[np.linspace(0, len(losses) - 1, min(POINTS, len(losses))).astype(int)]
    known = chosen[np.isfinite(chosen)]
    if not len(known):
        return "✗"
    low, span = known.min(), np.ptp(known) or 1
    bars = "".join(
        BARS[int((value - low) / span * (len(BARS) - 1))] if np.isfinite(value) else "✗"
        for value in chosen
    )
    return f"{bars}  {number(float(losses[0]), 3)} → {number(float(losses[-1]), 3)}"
