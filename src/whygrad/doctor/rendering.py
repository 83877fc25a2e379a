"""A diagnosis in words, for a terminal; and what an ailment is."""

from collections.abc import Iterator, Sequence

import numpy as np

from whygrad.doctor.diagnosing import Diagnosis
from whygrad.doctor.finding import AILMENTS, Finding
from whygrad.doctor.trials import SEEDS, Outcome
from whygrad.doctor.verifying import CURED, Trial
from whygrad.doctor.watched.finding import AILMENTS as WATCHED
from whygrad.doctor.watched.rendering import explain_watched_ailment, heading
from whygrad.doctor.wording import name_of, remedy_sentence, sentence, share_text, told_together
from whygrad.errors import unknown_name
from whygrad.words import number, t

SHOWN_NEURONS = 6
SHOWN_TRIALS = 6
BARS = "▁▂▃▄▅▆▇█"
POINTS = 40


def tell(diagnosis: Diagnosis) -> str:
    """Return a diagnosis as text: the verdict, the findings, what was tried, what to do."""
    parts = [verdict(diagnosis)]
    causes, refuted = _parted(diagnosis.findings)
    parts += [
        _block(found, rank, diagnosis.best is None) for rank, found in enumerate(causes, start=1)
    ]
    if refuted:
        parts.append("\n".join([t("doctor.refuted"), *_each(refuted)]))
    if diagnosis.trials:
        parts.append("\n".join(_trials(diagnosis)))
    if diagnosis.best is not None:
        parts.append("\n".join(_advice(diagnosis, diagnosis.best)))
    elif diagnosis.findings:
        parts.append(t("doctor.not_tried"))
    if diagnosis.notes:
        parts.append("\n".join([t("doctor.notes"), *_each(diagnosis.notes)]))
    return "\n\n".join(parts)


def _parted(findings: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
    """Return the findings that may be the cause, and those whose remedies brought little back.

    Where none did, all of them may be: it may take two changes.
    """
    causes = [finding for finding in findings if not finding.is_refuted]
    refuted = [finding for finding in findings if finding.is_refuted]
    return (causes, refuted) if causes else (refuted, [])


def _each(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield findings in a line each."""
    for finding in findings:
        yield "  " + t("doctor.in_short", name=name_of(finding), says=sentence(finding))


def verdict(diagnosis: Diagnosis) -> str:
    """Return whether the network learns, in a sentence or two."""
    learned = share_text(diagnosis.learned)
    if diagnosis.is_healthy:
        return t("doctor.healthy", learned=learned)
    yardstick = diagnosis.yardstick
    assert yardstick is not None, "whoever judges has measured what there is to learn"
    values = {
        "learned": learned,
        "measure": t(f"doctor.measure.{diagnosis.measure}"),
        "value": number(float(np.median(diagnosis.measures)), 3),
        "floor": number(yardstick.floor, 3),
        "level": number(yardstick.level, 3),
    }
    sentences = [t("doctor.ill", **values)]
    if diagnosis.plateau:
        sentences.append(t(f"doctor.plateau.{diagnosis.plateau}"))
    if yardstick.is_by_heart:
        sentences.append(t("doctor.by_heart"))
    return t("doctor.space").join(sentences)


def _block(finding: Finding, rank: int, with_remedies: bool) -> str:
    """Return a finding: name, where and when, what it says, and what may help."""
    component = t(f"doctor.component.{finding.component}")
    title = t("doctor.found", rank=rank, name=name_of(finding), component=component)
    lines = [title, f"   {sentence(finding)}", f"   {where_and_when(finding)}"]
    if with_remedies:
        lines += [
            "   " + t("doctor.may_help", remedy=remedy_sentence(remedy))
            for remedy in finding.remedies[:2]
        ]
    return "\n".join(lines)


def where_and_when(finding: Finding) -> str:
    """Return which factor fails first, where, when, and how sure that is."""
    return t("doctor.joint").join(_facts(finding))


def _facts(finding: Finding) -> Iterator[str]:
    yield t("doctor.factor", factor=t(f"doctor.factor.{finding.factor}"))
    if finding.layer and finding.neurons:
        shown = ", ".join(map(str, finding.neurons[:SHOWN_NEURONS]))
        more = " …" if len(finding.neurons) > SHOWN_NEURONS else ""
        values = {"layer": finding.layer, "count": len(finding.neurons), "neurons": shown + more}
        yield t("doctor.where.neurons", **values)
    elif finding.layer:
        yield t("doctor.where", layer=finding.layer)
    if finding.step is not None and finding.factor != "optimizer":
        key = "start" if finding.step == 0 else "step"
        yield t(f"doctor.when.{key}", step=finding.step)
    yield t("doctor.sure", share=share_text(finding.confidence))
    if finding.explained is not None:
        yield t("doctor.explained", share=share_text(finding.explained))


def _trials(diagnosis: Diagnosis) -> Iterator[str]:
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


def _advice(diagnosis: Diagnosis, best: Trial) -> Iterator[str]:
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


def _cause(diagnosis: Diagnosis) -> str:
    """Return whether the cause itself is gone."""
    if not diagnosis.remaining:
        return t("doctor.cause.gone")
    names = ", ".join(t(f"doctor.{kind}.name") for kind in diagnosis.remaining)
    is_harmless = diagnosis.best is not None and diagnosis.best.learned >= CURED
    return t(f"doctor.cause.{'harmless' if is_harmless else 'stays'}", names=names)


def _bars(outcome: Outcome) -> str:
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


def explain(kind: str) -> str:
    """Return what an ailment is, how it shows, its check and threshold, and what to do.

    Raises:
        OptionError: there is no such ailment.
    """
    if kind in WATCHED and kind not in AILMENTS:
        return f"{heading(kind)}\n\n{explain_watched_ailment(kind)}"
    if kind not in AILMENTS:
        raise unknown_name("ailment", kind, [*AILMENTS, *(k for k in WATCHED if k not in AILMENTS)])
    ailment = AILMENTS[kind]
    parts: list[str] = [t(f"doctor.{kind}.name")]
    for part in ("is", "shows", "check", "remedy"):
        parts.append(f"{t(f'doctor.explain.{part}')}\n  {t(f'doctor.{kind}.{part}')}")
    values = {
        "component": t(f"doctor.component.{ailment.component}"),
        "factor": t(f"doctor.factor.{ailment.factor}"),
    }
    parts.append(t("doctor.explain.component", **values))
    parts.append(t("doctor.explain.source", source=ailment.source))
    if kind in WATCHED:
        parts += [t("doctor.explain.watched"), explain_watched_ailment(kind)]
    return "\n\n".join(parts)
