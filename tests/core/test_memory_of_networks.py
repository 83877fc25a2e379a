"""What cannot fit into memory is refused by its size, before anything is made."""

import numpy as np
import pytest

import whygrad as wg
from whygrad.core import memory
from whygrad.errors import InputError, TooLargeError
from whygrad.estimators import MLPClassifier
from whygrad.settings import Settings
from whygrad.training.loop import check_size

X = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
Y = np.arange(40) % 3


@pytest.fixture(autouse=True)
def small_machine(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 2**30)


def test_a_network_larger_than_memory_is_refused_whole():
    with pytest.raises(TooLargeError) as raised:
        wg.Network.create([10**6, 10**6, 10])
    assert str(raised.value) == (
        "A network must fit into the memory that is free, 1.07 GB here, but this one has 1e12 "
        "parameters, and training it takes 16 TB for them, their gradients and the "
        "optimiser's two moments of each. Use fewer or narrower layers."
    )


@pytest.mark.parametrize("sizes", [[2**31, 2**31], [3, 2**63, 1], [10**200, 10**200]])
def test_sizes_beyond_every_machine_are_refused(sizes):
    with pytest.raises(TooLargeError):
        wg.Network.create(sizes)


def test_estimators_refuse_before_they_draw():
    with pytest.raises(TooLargeError):
        MLPClassifier((10**6, 10**6)).fit(X, Y)


def test_a_batch_larger_than_memory_is_refused_whole(monkeypatch):
    data = wg.from_arrays(X, Y, validation=0, test=0)
    network = wg.Network.create([4, 1000, 3])
    monkeypatch.setattr(memory, "free_memory", lambda: 2**19)
    with pytest.raises(TooLargeError) as raised:
        check_size(network, data, Settings(record_every=0))
    assert str(raised.value) == (
        "A training step must fit into the memory that is free, 524 kB here, but a batch of "
        "40 samples through 1007 neurons takes 644 kB at least. Use a smaller batch or fewer "
        "neurons, or record less often."
    )
    with pytest.raises(TooLargeError):
        wg.train(network, data)


def test_memory_that_runs_out_all_the_same_is_an_error_in_words():
    with pytest.raises(InputError) as raised, memory.running_out():
        raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes.")
    assert raised.value.key == "error.out_of_memory"
    with pytest.raises(RuntimeError, match="else"), memory.running_out():
        raise RuntimeError("something else")
