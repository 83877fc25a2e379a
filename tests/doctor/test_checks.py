"""Every check: a case that has the fault, neighbours that just have it not, and the remedy."""

from typing import Any

import faulty_ends
import faulty_steps
import pytest

from whygrad.doctor.faults import COMPONENTS, faults_of, run_checks
from whygrad.words import LANGUAGES, speaking

CASES = faulty_ends.CASES | faulty_steps.CASES
ROWS = [
    pytest.param(kind, case, id=f"{kind}{i}")
    for kind in CASES
    for i, case in enumerate(CASES[kind])
]
BY_KIND = {fault.kind: fault for fault in faults_of("own") if fault.check}
WITHOUT_REMEDY = ("unrelated_targets", "overfits")  # what helps is no change of the set-up
MILDER = ("saturating_hidden",)  # tanh saturates too, and less


@pytest.fixture
def seen(make, examined):
    """Return the function from a case to what is known of it."""

    def look(case: dict[str, Any], **changes: Any) -> Any:
        setup = make(case["task"], **case["changes"] | changes)
        return examined(setup, case["measured"], **case["seen"])

    return look


def test_every_check_has_its_cases_and_its_fault():
    assert set(CASES) == set(BY_KIND)
    assert {fault.kind for fault in faults_of("own")} - set(BY_KIND) == {
        "found_by_trial",
        "unexplained",
    }


@pytest.mark.parametrize("task", ["classes", "binary", "labels", "numbers"])
def test_all_checks_are_silent_where_nothing_is_amiss(make, examined, task):
    assert run_checks(examined(make(task), measured=True)) == []


@pytest.mark.parametrize(("kind", "case"), ROWS)
def test_a_check_finds_its_fault(seen, kind, case):
    found = BY_KIND[kind](seen(case.ill))
    assert (found.kind, found.layer) == (kind, case.layer)
    assert 0 < found.confidence <= 0.98
    assert {name: found.evidence[name] for name in case.numbers} == pytest.approx(case.numbers)
    assert found.component in COMPONENTS
    for language in LANGUAGES:
        with speaking(language):
            assert found.to_dict()["text"]


@pytest.mark.parametrize(("kind", "case"), ROWS)
def test_a_check_is_silent_just_beside_it(seen, kind, case):
    assert [BY_KIND[kind](seen(near)) for near in case.near] == [None] * len(case.near)


@pytest.mark.parametrize(("kind", "case"), ROWS)
def test_the_first_remedy_silences_the_check(make, examined, seen, kind, case):
    evidence = seen(case.ill)
    found = BY_KIND[kind](evidence)
    remedies = found.remedies
    assert bool(remedies) == (kind not in WITHOUT_REMEDY)
    for remedy in remedies[:1]:
        changed = evidence.setup.changed(remedy.changes)
        calm = examined(changed, case.ill["measured"], baseline=evidence.baseline)
        left = BY_KIND[kind](calm)
        assert left is None or (kind in MILDER and left.confidence < 0.6 * found.confidence)
        assert remedy.component in COMPONENTS
