"""Trying remedies beside the original, one by one and then in pairs, until one holds."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import combinations

from whygrad.doctor import reference
from whygrad.doctor.baseline import Baseline
from whygrad.doctor.checks.hidden import activation_remedies, wide
from whygrad.doctor.checks.starts import init_remedies
from whygrad.doctor.finding import COMPONENTS, Finding, Remedy
from whygrad.doctor.setup import Setup
from whygrad.doctor.thresholds import (
    AS_GOOD,
    BY_TRIAL,
    CURED,
    HALF_BACK,
    MOST_COMPONENTS,
    OF_A_PAIR,
    TRIED_PAIRS,
)
from whygrad.doctor.trials import Outcome, try_out
from whygrad.doctor.wording import told_together


@dataclass(frozen=True)
class Trial:
    """One remedy, or two together, tried.

    Attributes:
        remedies: what was changed.
        setup: the set-up as changed.
        outcome: what became of it.
        learned: median share of what can be learned that was learned.
    """

    remedies: tuple[Remedy, ...]
    setup: Setup
    outcome: Outcome
    learned: float

    @property
    def components(self) -> frozenset[str]:
        return components_of(self.remedies)


Stage = Callable[[Setup, Sequence[Finding], Sequence[Trial]], Iterator[tuple[Remedy, ...]]]


def components_of(remedies: Sequence[Remedy]) -> frozenset[str]:
    """Return all that some remedies together change."""
    return frozenset(part for remedy in remedies for part in (remedy.component, *remedy.also))


@dataclass(frozen=True)
class Search:
    """What was tried, and the findings with what their remedies explain.

    Attributes:
        findings: most likely first.
        trials: in the order of trying.
        best: the smallest change that did as well as any; None where nothing was tried.
    """

    findings: tuple[Finding, ...]
    trials: tuple[Trial, ...]
    best: Trial | None


def search(
    setup: Setup,
    findings: Sequence[Finding],
    baseline: Baseline,
    learned: float,
    *,
    budget: float,
    tell: Callable[[str], None] = lambda name: None,
) -> Search:
    """Try the remedies of the findings, then usual changes, then pairs, until one holds.

    Args:
        learned: share of what can be learned that the original learned.
        budget: seconds after which no new trial begins.
        tell: called with what is changed before it is tried.

    Ctrl-C ends the search and keeps what was tried.
    """
    trials: list[Trial] = []
    began = time.monotonic()

    def attempt(remedies: tuple[Remedy, ...]) -> None:
        tell(told_together(remedies))
        trials.append(_try(setup, remedies, baseline))

    def go_through(stages: Sequence[Stage]) -> None:
        for stage in stages:
            for remedies in stage(setup, findings, trials):
                if time.monotonic() - began > budget:
                    return
                attempt(remedies)
                if stage is not _of_findings and trials[-1].learned >= CURED:
                    return
            if _best_learned(trials) >= CURED:
                return

    with suppress(KeyboardInterrupt):  # whoever stops a long search still wants what it found
        go_through((_of_findings, _usual, _pairs))
    explained = [_explained(finding, trials, learned) for finding in findings]
    found = explained + _found_by_trial(explained, trials, learned)
    ranked = tuple(sorted(found, key=lambda finding: -finding.weight))
    return Search(ranked, tuple(trials), choose(trials, ranked))


def _try(setup: Setup, remedies: tuple[Remedy, ...], baseline: Baseline) -> Trial:
    changed = setup
    for remedy in remedies:
        changed = changed.changed(remedy.changes)
    outcome = try_out(changed)
    return Trial(remedies, changed, outcome, baseline.learned(outcome.median))


def _best_learned(trials: Sequence[Trial]) -> float:
    return max((trial.learned for trial in trials), default=0.0)


def _of_findings(
    setup: Setup, findings: Sequence[Finding], trials: Sequence[Trial]
) -> Iterator[tuple[Remedy, ...]]:
    tried: list[dict] = []
    for finding in findings:
        for remedy in finding.remedies:
            if remedy.changes not in tried:
                tried.append(remedy.changes)
                yield (remedy,)


def _usual(
    setup: Setup, findings: Sequence[Finding], trials: Sequence[Trial]
) -> Iterator[tuple[Remedy, ...]]:
    """Yield what often helps and was not tried yet."""
    tried = [trial.remedies[0].changes for trial in trials]
    rate = setup.settings.learning_rate
    usual = (
        Remedy("adam", "opt", reference.ADAM),
        Remedy("adam_fast", "opt", {**reference.ADAM, "learning_rate": 1e-2}),
        Remedy("inputs_standard", "prep_x", {"input_scaling": "standard"}),
        Remedy("rate_up", "opt", {"learning_rate": rate * 10}),
        Remedy("rate_down", "opt", {"learning_rate": rate / 10}),
        Remedy("longer", "epochs", {"epochs": setup.settings.epochs * 5}),
        *activation_remedies(setup.activations[:-1], ("tanh", "relu")),
        *init_remedies(setup.activations[0])[:1],
        *((wide(setup),) if len(setup.sizes) > 2 else ()),
    )
    for remedy in usual:
        if remedy.changes not in tried:
            yield (remedy,)


def _pairs(
    setup: Setup, findings: Sequence[Finding], trials: Sequence[Trial]
) -> Iterator[tuple[Remedy, ...]]:
    """Yield pairs of remedies for different components, the most promising first."""
    promising = [
        (trial.remedies[0], _promise(trial, findings))
        for trial in trials
        if len(trial.remedies) == 1
    ]
    pairs = [
        (promise + other_promise, (remedy, other))
        for (remedy, promise), (other, other_promise) in combinations(promising, 2)
        if remedy.component != other.component
        and len(components_of((remedy, other))) <= MOST_COMPONENTS
    ]
    pairs.sort(key=lambda pair: -pair[0])
    for _, pair in pairs[:TRIED_PAIRS]:
        yield tuple(sorted(pair, key=lambda remedy: COMPONENTS.index(remedy.component)))


def _promise(trial: Trial, findings: Sequence[Finding]) -> float:
    """Return what a remedy did alone, and how sure the finding is that asks for it."""
    sure = [f.confidence for f in findings if trial.remedies[0] in f.remedies]
    return max(trial.learned, 0.0) + max(sure, default=0.0)


def _explained(finding: Finding, trials: Sequence[Trial], learned: float) -> Finding:
    """Return a finding with the share of the lost learning that its remedies brought back."""
    names = {remedy.name for remedy in finding.remedies}
    gains = [
        gain(trial, learned) * (1 if len(trial.remedies) == 1 else OF_A_PAIR)
        for trial in trials
        if any(remedy.name in names for remedy in trial.remedies)
    ]
    return replace(finding, explained=max(gains)) if gains else finding


def gain(trial: Trial, learned: float) -> float:
    """Return the share of what was not learned that a trial brought back."""
    was = max(learned, 0.0)
    return float(min(max((trial.learned - was) / max(1 - was, 1e-6), 0.0), 1.0))


def _found_by_trial(
    findings: Sequence[Finding], trials: Sequence[Trial], learned: float
) -> list[Finding]:
    """Return what no check saw and a trial found: the parts of the best remedy."""
    best = max(trials, key=lambda trial: trial.learned, default=None)
    if best is None or gain(best, learned) < HALF_BACK:
        return []
    seen = {finding.component for finding in findings}
    share = gain(best, learned) * (1 if len(best.remedies) == 1 else OF_A_PAIR)
    return [
        Finding(
            "found_by_trial",
            BY_TRIAL,
            {"component": remedy.component, "remedy": remedy.name},
            (remedy,),
            step=None,
            explained=share,
        )
        for remedy in best.remedies
        if remedy.component not in seen
    ]


def choose(trials: Sequence[Trial], findings: Sequence[Finding]) -> Trial | None:
    """Return the smallest change that did as well as any; of equals, the likeliest cause's."""
    best = _best_learned(trials)
    near = [trial for trial in trials if trial.learned >= best - AS_GOOD]
    likely = {finding.component: finding.weight for finding in reversed(findings)}

    def merit(trial: Trial) -> tuple[int, float]:
        weights = [likely.get(component, 0.0) for component in trial.components]
        return (-len(trial.components), sum(weights))

    return max(near, key=merit, default=None)
