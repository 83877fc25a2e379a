"""What is chosen for data when nothing is asked for: a network, and how to train it.

The choice depends on how many samples train, on whether enough are left to validate with, and on
whether there are classes, so that it is known before the first step and can be read off the page.
It is a recipe for Adam:

- 100 passes in batches of 64. A long table gets larger batches, and as many passes as
  :data:`MOST_STEPS` steps allow.
- The learning rate falls along half a cosine (Loshchilov and Hutter 2017).
- Few samples are learnt by heart. Against that stand weight decay beside Adam (Loshchilov and
  Hutter 2019), dropout (Srivastava and others 2014) and smoothed labels (Szegedy and others 2016);
  and of all epochs the one with the lowest validation loss is kept, where the validation part is
  large enough to tell. On a smaller one the last epoch, at the end of the cosine, is the better.

Weight decay is given as a time. Adam's weights are a running mean of its updates, over
``1 / (learning rate * weight decay)`` steps; a good length is one in passes over the data, whatever
their number of steps (Wang and Aitchison 2024). Here it is :data:`MEMORY` of the whole run.
"""

from collections.abc import Mapping
from typing import Any

from whygrad.core.nn.losses import LOSSES
from whygrad.data.table import Data

FEW_SAMPLES = 1000
MANY_SAMPLES = 5000
EPOCHS = 100
MOST_STEPS = 6000
MEMORY = 0.25  # of the run
TELLING = 50  # validation samples: fewer cannot tell a good epoch from a lucky one
LEARNING_RATE = 3e-3
DROPOUT = 0.1
LABEL_SMOOTHING = 0.1
ADAPTED = ("adam", "adamw")  # the optimizers that learning rate and decay are chosen for

SMOOTHED = tuple(name for name, rule in LOSSES.items() if rule.is_categorical)

Section = dict[str, Any]


def chosen_network(data: Data) -> Section:
    """Return the network for so many samples: two hidden layers of 64, or of 128 for many."""
    size = 64 if data.samples["train"] < FEW_SAMPLES else 128
    return {"hidden": [size, size], "dropout": DROPOUT}


def chosen_training(data: Data, given: Mapping[str, Any]) -> Section:
    """Return the settings for so many samples that were not given, by name.

    Args:
        given: settings that were asked for. What is chosen fits them: a decay fits the rate, the
            length and the batches of the run.
    """
    samples = data.samples["train"]
    chosen: Section = {"batch_size": 64 if samples < MANY_SAMPLES else 256}
    steps_an_epoch = -(-samples // given.get("batch_size", chosen["batch_size"]))
    chosen["epochs"] = max(min(EPOCHS, MOST_STEPS // steps_an_epoch), 1)
    if len(data.validation) >= TELLING:
        chosen["patience"] = given.get("epochs", chosen["epochs"])  # to the end; the best is kept
    if given.get("optimizer", "adam") in ADAPTED:
        chosen |= {"learning_rate": LEARNING_RATE, "schedule": "cosine"}
        rate = given.get("learning_rate", LEARNING_RATE)
        steps = steps_an_epoch * given.get("epochs", chosen["epochs"])
        chosen["weight_decay"] = float(f"{1 / (rate * steps * MEMORY):.2g}")
    if data.task != "numbers" and given.get("loss", "auto") in (*SMOOTHED, "auto"):
        chosen["label_smoothing"] = LABEL_SMOOTHING
    return {name: value for name, value in chosen.items() if name not in given}
