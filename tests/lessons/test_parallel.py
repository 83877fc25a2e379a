"""Statement 14: the sum that can be shared out. Its numbers by math.fsum and NumPy in float64."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from whygrad import lessons
from whygrad.core import backprop
from whygrad.errors import WhygradError
from whygrad.lessons.experiments import parallel
from whygrad.lessons.experiments.parallel.story import tell
from whygrad.lessons.instruments import summation
from whygrad.lessons.instruments.all_reduce import Batch
from whygrad.lessons.instruments.summation import ORDERS, ROUNDING, rounding_errors
from whygrad.lessons.rendering.html import as_html
from whygrad.lessons.story import Say
from whygrad.words import speaking

pytestmark = [pytest.mark.long, pytest.mark.sampled]

SMALL = {"largest": 12}


def fresh(**options):
    return lessons.parallel(**options).run(lambda share: None)


@pytest.fixture(scope="module")
def small():
    """Run the lesson with real devices and processes, where the user's settings are in the way."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("http_proxy", "HTTPS_PROXY"):
            patch.setenv(name, "http://127.0.0.1:9")
        patch.setenv("JAX_PLATFORMS", "cuda")
        patch.setenv("JAX_ENABLE_X64", "1")
        return fresh(**SMALL)


@pytest.fixture
def alone(monkeypatch):
    """Let one process do what workers would do, in float64."""

    def answer(module, tasks, wait):
        wait()
        batch = Batch(**tasks[0]["batch"])
        parts = np.split(deltas(batch) / batch.samples, tasks[0]["count"])
        gradient = sum(part.sum(axis=0) for part in parts)
        one = {
            "gradient": gradient.tolist(),
            "parts": [[len(part), 2] for part in parts],
            "all_reduces": 1,
        }
        return [one | {"own": part.sum(axis=0).tolist()} for part in parts[: len(tasks)]]

    monkeypatch.setattr(parallel, "answers", answer)
    return answer


def deltas(batch: Batch) -> np.ndarray:
    """Return δ of every sample and neuron by the chain rule, in NumPy and float64."""
    hidden, output = batch.network.dense
    weights = [np.asarray(dense.weight, np.float64) for dense in (hidden, output)]
    biases = [np.asarray(dense.bias, np.float64) for dense in (hidden, output)]
    x, y = (part.astype(np.float64) for part in batch.draw())
    a = np.tanh(x @ weights[0] + biases[0])
    return (a @ weights[1] + biases[1] - y) @ weights[1].T * (1 - a**2)


def laws(result) -> dict[str, bool]:
    return {law.name: law.holds for law in result.laws}


def broken(result) -> set[str]:
    return {name for name, holds in laws(result).items() if not holds}


def keys(story) -> set[str]:
    told = story.blocks
    return {block.key.removeprefix("lesson.parallel.") for block in told if isinstance(block, Say)}


def test_the_law_holds_with_real_devices_and_processes(small):
    assert small.holds, broken(small)
    assert len(small.laws) == 9


def test_the_shared_sum_is_the_gradient_of_numpy_in_float64(small):
    expected = deltas(Batch(4096, 4, "tanh", 1.0, 0)).mean(axis=0)
    split = small.measured["split"]
    for way in ("whole", "devices", "processes"):
        np.testing.assert_allclose(split[way], expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(split["own"].sum(axis=0), expected, rtol=0, atol=1e-6)
    assert split["own"].shape == (2, 4)


def test_every_device_holds_a_part_and_the_compiler_adds_one_all_reduce(small):
    assert small.measured["split"]["parts"] == [[1024, 2]] * 4
    assert small.measured["split"]["all_reduces"] == 1


def test_errors_are_those_against_an_exact_sum(small):
    terms = np.asarray(parallel._deltas(Batch(4096, 4, "tanh", 1.0, 0)))
    expected = []
    for column in terms.T:
        exact = math.fsum(column.tolist())
        total = np.float32(0)
        for term in column:
            total = np.float32(total + term)
        expected.append((float(total) - exact) / math.fsum(np.abs(column).tolist()))
    found = rounding_errors(["sequential"], terms, 1)["sequential"][0]
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    error = small.measured["errors"]["sequential"][-1]
    assert error == pytest.approx(math.sqrt(np.mean(np.square(expected))), rel=1e-4)


@given(
    terms=st.integers(0, 7).flatmap(
        lambda k: arrays(np.float32, (2**k, 3), elements=st.floats(-8, 8, width=16))
    )
)
def test_no_order_errs_more_than_its_bound(terms):
    size = np.abs(terms.astype(np.float64)).sum(axis=0)
    exact = np.array([math.fsum(column) for column in terms.T.tolist()])
    m = len(terms)
    for name, add in ORDERS.items():
        additions = math.log2(m) if name == "halving" else m - 1
        off = np.abs(np.asarray(add(terms), np.float64) - exact)
        assert (off <= additions * ROUNDING * size * (1 + 1e-6)).all(), name


def test_folding_adds_the_second_half_to_the_first():
    terms = np.array([[2.0**24], [1], [1], [-(2.0**24)]], np.float32)
    assert summation.sequential(terms)[0] == 0  # both 1 are lost beside 2**24
    assert summation.halving(terms)[0] == summation.halving(terms[::-1])[0]
    np.testing.assert_array_equal(
        summation.halving(np.arange(8, dtype=np.float32)[:, None]), [28.0]
    )


def test_a_smaller_batch_is_the_start_of_a_larger_one():
    few, many = (Batch(samples, 4, "tanh", 1.0, 3).draw() for samples in (16, 64))
    for one, other in zip(few, many, strict=True):
        np.testing.assert_array_equal(one, other[:16])


def test_a_batch_that_cannot_be_shared_out_evenly_is_cut(alone):
    result = fresh(largest=10, devices=3, processes=4)
    assert result.measured["split"]["samples"] == 1020
    assert result.measured["split"]["parts"] == [[340, 2]] * 3
    assert result.holds, broken(result)


@pytest.mark.parametrize(
    "options",
    [
        {"offset": 0.0, "activation": "relu"},
        {"offset": -999.0, "activation": "identity", "seed": 9},
        {"activation": "silu", "largest": 11, "devices": 16},
    ],
    ids=str,
)
def test_odd_options_hold_and_are_told_in_both_languages(options, alone, monkeypatch):
    whole = parallel._deltas  # the workers' stand-in knows tanh only
    monkeypatch.setitem(globals(), "deltas", lambda batch: whole(batch).astype(np.float64))
    result = fresh(**SMALL | options)
    assert result.holds, broken(result)
    for language, verdict in (("en", "The law held"), ("zh", "规律成立")):
        with speaking(language):
            assert verdict in str(result)
    assert as_html(result).count("<figure") == 3


def test_a_broken_backward_pass_flips_the_verdict(monkeypatch, alone):
    right = backprop._pass_back

    def wrong(dense, trace, upstream, share, is_matched_here):
        return replace(right(dense, trace, upstream, share, is_matched_here), delta=upstream)

    monkeypatch.setattr(backprop, "_pass_back", wrong)
    assert broken(fresh(largest=10)) == {"terms", "devices", "processes"}


def test_a_lost_part_flips_the_verdict(monkeypatch, alone):
    def lost(module, tasks, wait):
        return [one | {"gradient": one["own"], "all_reduces": 0} for one in alone("", tasks, wait)]

    monkeypatch.setattr(parallel, "answers", lost)
    assert broken(fresh(largest=10)) == {"compiler", "devices", "processes"}


def test_an_order_that_errs_more_than_promised_flips_the_verdict(monkeypatch, alone):
    monkeypatch.setitem(summation.ORDERS, "halving", summation.sequential)
    assert broken(fresh(largest=16)) == {"order", "halving"}


def test_what_is_told_follows_what_was_measured(small):
    def told(**changed):
        return keys(tell(small.setup, small.measured | changed))

    split, errors = small.measured["split"], small.measured["errors"]
    times = {name: np.full(5, 1.0) for name in ORDERS}
    assert "order_wins" in told(seconds=times | {"compiled": np.full(5, 0.5)})
    assert "order_does_not_win" in told(seconds=times)
    gpu = small.measured["gpu"]
    assert "gpu.simulated" in told() and "gpu.measured" in told(gpu=gpu | {"device": "Some GPU"})
    assert "accuracy" in told()
    assert "no_accuracy" in told(errors=errors | {"halving": np.ones(5)})
    assert "growth" in told(growth=dict.fromkeys(ORDERS, 0.5))
    assert "fast_growth" in told(growth=dict.fromkeys(ORDERS, 1.5))
    assert not {"growth", "fast_growth"} & told(growth=dict.fromkeys(ORDERS, math.nan))
    off = {"devices_difference": 1e-7, "processes_difference": 0.0}
    assert "last_digits" in told(split=split | off)
    assert "same_digits" in told(split=split | dict.fromkeys(off, 0.0))
    assert "other_digits" in told(split=split | dict.fromkeys(off, 0.1))


def test_growth_is_the_power_of_m():
    exponents = [4, 6, 8, 10]
    assert parallel._growth(exponents, [3 * 2.0 ** (0.5 * k) for k in exponents]) == pytest.approx(
        0.5
    )
    assert math.isnan(parallel._growth(exponents, [0.0, 0.0, 1.0, 1.0]))


@pytest.mark.parametrize(
    ("key", "tries"), [("error.worker_failed", 2), ("error.worker_timeout", 1)]
)
def test_processes_try_another_port_once_but_do_not_wait_twice(key, tries, monkeypatch):
    tried = []

    def answer(module, tasks, wait):
        tried.append([task["port"] for task in tasks])
        raise WhygradError(key, module="m", code=1, reason="r", seconds=1.0)

    monkeypatch.setattr(parallel, "answers", answer)
    with pytest.raises(WhygradError):
        parallel._over_processes(Batch(16, 4, "tanh", 1.0, 0), 2, lambda: None)
    assert len(tried) == tries
    assert all(len(set(ports)) == 1 for ports in tried)


def test_the_bar_creeps_towards_the_end_of_work_that_does_not_say_how_far_it_is():
    seen = []
    wait = parallel._creep(seen.append, 0.5, 1.0)
    for _ in range(200):
        wait()
    assert seen[0] == 0.5 and seen == sorted(seen) and 0.9 < seen[-1] < 1


def test_exercises_are_open_by_default_and_solved_by_their_solutions(alone):
    default = fresh()
    assert default.answered() == {"small_error": False, "small_ratio": False}
    for exercise in default.lesson.exercises:
        assert fresh(**exercise.solution).answered()[exercise.name]
