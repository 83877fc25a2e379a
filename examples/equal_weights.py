"""Why weights start at random: ``python examples/equal_weights.py``.

Neurons that start equal get equal gradients and stay equal, however long they are trained. A layer
of 32 of them is worth one.
"""

import whygrad as wg

data = wg.load("spiral")


def train(init: str) -> wg.Run:
    net = wg.Network.create([2, 32, 3], activation="tanh", init=init, seed=0)
    return wg.train(net, data, epochs=300, learning_rate=0.01)


runs = {init: train(init) for init in ("constant:0.1", "he_normal")}

for init, run in runs.items():
    different = wg.effective_width(run.network)["hidden1"]
    accuracy = run.evaluate()["accuracy"]
    print(f"{init:12}  different neurons: {different:2}  test accuracy: {accuracy:.2f}")

print(runs["constant:0.1"].doctor())
