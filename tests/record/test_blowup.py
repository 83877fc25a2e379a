"""The first number that was not finite is found where it arose, however long nothing showed it."""

import numpy as np
import pytest

import whygrad as wg
from whygrad.training.failing import find_blowup


def hidden_infinity(out) -> wg.Run:
    """Train until ReLU hides a weight of minus infinity: step 0 makes it, no loss ever shows it."""
    x = np.linspace(0.9, 1.1, 32, dtype=np.float32)[:, None]
    data = wg.from_arrays(x, np.full(32, -2.0, np.float32), validation=0, test=0)
    network = wg.Network.from_arrays(
        [np.full((1, 1), 1e-3, np.float32), np.ones((1, 1), np.float32)],
        None,
        activations=["relu", "identity"],
    )
    with pytest.raises(wg.WhygradError):
        wg.train(
            network,
            data,
            optimizer="sgd",
            learning_rate=3e38,
            batch_size=4,
            epochs=1,
            out=out,
        )
    return wg.open_run(out)


def test_an_infinity_that_relu_hides_is_named_where_it_arose(tmp_path):
    run = hidden_infinity(tmp_path / "run")
    found = find_blowup(run, 7)
    assert found is not None
    assert (found.step, found.layer, found.quantity) == (0, "hidden1", "learning_rate")
    assert run.description["failure"]["step"] == 0
