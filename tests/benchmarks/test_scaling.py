"""The model of many machines: a ring, simulated; and the page that tells of it."""

import pytest
from benchmarks.scaling import MACHINES, all_reduce, modelled
from benchmarks.table import scaling_blocks


def ring(machines: int, size: int, bandwidth: float, latency: float) -> float:
    """Walk the rounds of a ring, in which every machine sends one of ``machines`` pieces on."""
    held = [[{owner} for _ in range(machines)] for owner in range(machines)]
    seconds = 0.0
    for shift in range(2 * (machines - 1)):
        sent = [(owner, (owner - shift) % machines) for owner in range(machines)]
        pieces = {owner: set(held[owner][piece]) for owner, piece in sent}
        for owner, piece in sent:
            held[(owner + 1) % machines][piece] |= pieces[owner]
        seconds += size / machines / bandwidth + latency
    assert all(piece == set(range(machines)) for own in held for piece in own)
    return seconds


@pytest.mark.parametrize("machines", [1, 2, 3, 8])
def test_the_model_counts_the_rounds_of_a_ring(machines):
    link = (1e9, 1e-5)
    assert all_reduce(machines, 5_000_000, *link) == pytest.approx(ring(machines, 5_000_000, *link))


def test_one_machine_is_as_fast_as_itself_and_none_is_faster_than_all_together():
    for by in modelled(0.1, 5_000_000).values():
        assert by[1] == 1
        assert all(0 < by[n] <= n for n in MACHINES)


def test_the_page_tells_what_was_measured_and_what_was_not():
    results = {
        "machine": {"date": "2026-12-01"},
        "scaling": {"devices": {"1": 0.1, "2": 0.05}, "processes": {"1": 0.1, "2": 0.08}},
        "rounds": 3,
        "load": 1.5,
        "modelled": {"ethernet_10": {1: 1.0, 2: 1.5}},
    }
    told, measured, model, links = scaling_blocks(results)
    assert "load average at the end was 1.5 (2026-12-01)" in told
    assert measured.splitlines()[-1] == "| 2 | 50 | 80 | 2.00× | 1.25× |"
    assert "worked out and not measured" in model
    assert links.splitlines()[-1] == "| 10 Gbit∕s, 50 µs | 1.0× | 1.5× |"
