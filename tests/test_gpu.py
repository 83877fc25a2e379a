"""The same gradients on a GPU. Run with: JAX_PLATFORMS=cuda,cpu pytest -m gpu"""

import jax
import numpy as np
import pytest

import whygrad as wg


def gpus() -> list[jax.Device]:
    return [device for device in jax.devices() if device.platform == "gpu"]


@pytest.mark.gpu
@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
def test_gradients_on_the_gpu_equal_those_on_the_cpu(activation: str):
    if not gpus():
        pytest.skip("no GPU here, or JAX was not asked for it (JAX_PLATFORMS=cuda,cpu)")
    generator = np.random.default_rng(0)
    x = generator.normal(size=(256, 64)).astype(np.float32)
    y = generator.integers(0, 10, 256)
    network = wg.Network.create([64, 128, 128, 10], activation=activation)
    found = {}
    for device in (gpus()[0], jax.devices("cpu")[0]):
        with jax.default_device(device), jax.default_matmul_precision("highest"):
            there = jax.device_put(network, device)
            anatomy = wg.backward(there, wg.forward(there, x), y)
            found[device.platform] = jax.tree.map(np.asarray, anatomy.gradients())
    for here, there in zip(*map(jax.tree.leaves, found.values()), strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-6)
