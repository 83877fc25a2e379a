"""Diagnosing a run, whoever trained its network.

What only whygrad's own networks need, JAX among it, is imported where such a run is asked about.
"""

from collections.abc import Callable

from whygrad.doctor.diagnosis import Diagnosis
from whygrad.doctor.faults import run_checks, triage
from whygrad.doctor.watched_evidence import seen_in
from whygrad.record.folder import RunFolder

Tell = Callable[[str], None]


def diagnose_run(
    run: RunFolder,
    *,
    verify: bool = False,
    budget: float = 60.0,
    tell: Tell = lambda name: None,
) -> Diagnosis:
    """Say why the network of a run does not learn, or that it does, from what the run recorded.

    Args:
        verify: try the remedies beside the original; only what can be trained again can be tried.
        budget: seconds after which no new trial begins.
        tell: called with the name of what is tried next.

    Raises:
        OptionError: ``verify`` of a run that cannot be trained again.
        RunError: nothing was recorded, or the run is damaged.
    """
    if run.can("train"):
        from whygrad.doctor import diagnosing

        return diagnosing.diagnose_trained(run, verify=verify, budget=budget, tell=tell)
    if verify:
        run.require("verify")
    seen = seen_in(run)
    alarms, notes = triage(run_checks(seen), learns=None)
    return Diagnosis(alarms, notes, steps=len(seen.facts), is_early=seen.is_early)
