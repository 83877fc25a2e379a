"""Random keys: every draw of a training is told by seed, step and layer, and can be drawn again.

JAX draws from a key with Threefry, NumPy with Philox.

Source: Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".
"""

from math import ceil, prod
from typing import Any

import numpy as np

from whygrad.core.arrays import Array

Key = Any  # of JAX; or whole numbers of 32 bits, for NumPy

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
ROUNDS = 5  # of four rotations each
PARITY = 0x1BD11BDA
MANTISSA = 23  # bits of a float32


def numpy_key(seed: int) -> Key:
    """Return the key of a seed for NumPy: the two words that JAX keeps of it as well."""
    return np.array([seed >> 32, seed & 0xFFFFFFFF], np.uint32)


def fold_in(key: Key, number: Any) -> Key:
    """Return the key of one of many draws: of a step, or a layer of a step."""
    if type(key) is np.ndarray:
        return np.append(key, np.uint32(number))
    import jax

    return jax.random.fold_in(key, number)


def bernoulli(key: Key, share: float, shape: tuple[int, ...]) -> Array:
    """Return True for ``share`` of the places, drawn from a key.

    With JAX what ``jax.random.bernoulli`` draws, to the bit; for NumPy the key is that of Philox:
    seed, step and layer.
    """
    if type(key) is np.ndarray:
        words = np.zeros(4, np.uint32)
        words[: len(key)] = key
        drawn = np.random.Generator(np.random.Philox(key=words.view(np.uint64))).random(shape)
        return drawn < share
    import jax

    words = jax.random.key_data(key)
    config: Any = jax.config  # which does not declare its options
    is_wide = config.jax_enable_x64 or prod(shape) >= 2**32  # takes 64 bits
    is_usual = len(words) == 2 and config.jax_threefry_partitionable
    if is_wide or not is_usual:
        return jax.random.bernoulli(key, share, shape)
    drawn = _threefry(words, shape) >> (32 - MANTISSA)
    return drawn < ceil(float(np.float32(share)) * 2**MANTISSA)


def _threefry(words: Array, shape: tuple[int, ...]) -> Array:
    """Return 32 random bits for each place.

    On a processor JAX's own keeps the rounds a loop, with all numbers in memory after each; here
    they become one pass, in a quarter of the time: half of a step with dropout was its masks.
    """
    import jax.numpy as jnp
    from jax.lax import broadcasted_iota

    strides = [np.uint32(prod(shape[axis + 1 :])) for axis in range(len(shape))]
    places = [broadcasted_iota(jnp.uint32, shape, axis) * s for axis, s in enumerate(strides)]
    keys = (*words, words[0] ^ words[1] ^ np.uint32(PARITY))
    low, high = sum(places, start=keys[1]), jnp.broadcast_to(keys[0], shape)
    for number in range(ROUNDS):
        for rotation in ROTATIONS[number % 2]:
            high = high + low
            low = high ^ ((low << rotation) | (low >> (32 - rotation)))
        high = high + keys[(number + 1) % 3]
        low = low + keys[(number + 2) % 3] + np.uint32(number + 1)
    return high ^ low
