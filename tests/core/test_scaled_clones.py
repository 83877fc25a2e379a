"""What docs/mathematics says of scaled clones: the same function now, parted by the next step."""

import numpy as np
import pytest

import whygrad as wg
from whygrad.core.symmetry import clone_groups

FACTOR = 3.0


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "identity"])
def test_scaled_clones_are_one_function_and_part_at_the_next_step(activation, tmp_path):
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(20, 3)), draw.normal(size=(20, 1))
    into, out = draw.normal(size=(3, 4)), draw.normal(size=(4, 1))
    bias = draw.normal(size=4)
    into[:, 1], bias[1], out[1] = FACTOR * into[:, 0], FACTOR * bias[0], out[0] / FACTOR
    start = wg.Network.from_arrays(
        [into, out], [bias, np.zeros(1)], activations=[activation, "identity"]
    )
    trace = wg.forward(start, x)
    parts = np.asarray(trace["output"].input)[:, :2] * out[:2, 0]
    np.testing.assert_allclose(parts[:, 0], parts[:, 1], rtol=1e-4, atol=1e-6)
    assert "scaled" in {group.kind for group in clone_groups(start)["hidden1"]}

    gradients = wg.backward(start, trace, y, loss="squared").gradients()
    came_in = np.asarray(gradients["hidden1"]["weight"])
    came_out = np.asarray(gradients["output"]["weight"])
    biases = np.asarray(gradients["hidden1"]["bias"])
    np.testing.assert_allclose(came_in[:, 1], came_in[:, 0] / FACTOR, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(biases[1], biases[0] / FACTOR, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(came_out[1], came_out[0] * FACTOR, rtol=1e-4, atol=1e-6)

    data = wg.from_arrays(x, y, standardize=False, validation=0, test=0)
    settings = {"optimizer": "sgd", "learning_rate": 0.05, "loss": "squared", "batch_size": 20}
    after = wg.train(start, data, epochs=1, out=tmp_path / "run", **settings).network
    weights = np.asarray(after.dense[0].weight)
    apart = np.abs(weights[:, 1] - FACTOR * weights[:, 0]).max()
    assert apart > 1e-3, "the next step parts them"
    assert "scaled" not in {group.kind for group in clone_groups(after)["hidden1"]}
