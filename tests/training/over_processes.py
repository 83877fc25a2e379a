"""A program that joins another process by itself, and then trains as in a single one."""

import sys

import jax

address, number = sys.argv[1:]
jax.distributed.initialize(address, 2, int(number))

import whygrad as wg  # noqa: E402  joined before anything else, as JAX asks

for name in ("one", "other"):
    network = wg.Network.create([4, 8, 3], activation="tanh", seed=1)
    run = wg.train(network, wg.load("iris"), optimizer="sgd", epochs=3, batch_size=30, out=name)
    print(name, run.steps, run.evaluate()["loss"])
