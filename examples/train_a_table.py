"""Train on a table of your own and ask why a weight moved: ``python examples/train_a_table.py``.

The table is made up here, so that the answer is known: a price that follows area and age, and does
not follow the colour of the door.
"""

import csv
import random
import tempfile
from pathlib import Path

import whygrad as wg

draw = random.Random(0)


def house() -> dict[str, str | int]:
    area, age = draw.randrange(40, 200), draw.randrange(80)
    price = 3000 * area - 1500 * age + draw.randrange(-9000, 9000)
    return {"area": area, "age": age, "door": draw.choice(["red", "green"]), "price": price}


with tempfile.TemporaryDirectory() as folder:
    table = Path(folder, "houses.csv")
    with table.open("w", newline="") as file:
        rows = csv.DictWriter(file, ["area", "age", "door", "price"])
        rows.writeheader()
        rows.writerows(house() for _ in range(400))

    data = wg.load(table, target="price")  # a number, so this is regression
    inputs, outputs = data.train.x.shape[1], data.train.y.shape[1]
    net = wg.Network.create([inputs, 16, outputs], activation="tanh", seed=0)
    run = wg.train(net, data, epochs=40, learning_rate=0.01)

    print(run.evaluate())  # on rows that the network has never seen
    print(run.why("hidden1.weight[0, 3]", step=50))
