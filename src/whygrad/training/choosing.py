"""What is chosen for data when nothing is asked for: a network, and how to train it.

The choice depends on how many samples train, on whether enough are left to validate with, and on
whether there are classes; and where a job is small, on which of two recipes validates better, see
:mod:`whygrad.training.comparing`. So it is known before the first step, and can be read off the
page. Both are recipes for Adam with a learning rate that falls along half a cosine (Loshchilov and
Hutter 2017), and for classes with smoothed labels (Szegedy and others 2016):

- :data:`RESTRAINED`. Few samples are learnt by heart. Against that stand weight decay beside Adam
  (Loshchilov and Hutter 2019), dropout (Srivastava and others 2014) and a small number of steps:
  100 passes in batches of 64, or as many as make :attr:`Recipe.least_steps` steps, without which
  a table of a few dozen samples is not learnt at all. A long table gets larger batches, and as
  many passes as :data:`MOST_STEPS` steps allow.
- :data:`THOROUGH`. A target without noise is followed the better the longer a network trains and
  the less holds it back: more steps, larger ones, and no dropout.

Of all epochs the one with the lowest validation loss is kept, where the validation part is large
enough to tell. On a smaller one the last epoch, at the end of the cosine, is the better.

Weight decay is given as a time. Adam's weights are a running mean of its updates, over
``1 / (learning rate * weight decay)`` steps; a good length is one in passes over the data, whatever
their number of steps (Wang and Aitchison 2024). Here it is :attr:`Recipe.memory` of the whole run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from whygrad.core.nn.losses import LOSSES
from whygrad.data.table import Data

FEW_SAMPLES = 1000
MANY_SAMPLES = 5000
EPOCHS = 100
MOST_STEPS = 6000
TELLING = 50  # validation samples: fewer cannot tell a good epoch from a lucky one
LABEL_SMOOTHING = 0.1
ADAPTED = ("adam", "adamw")  # the optimizers that learning rate and decay are chosen for

SMOOTHED = tuple(name for name, rule in LOSSES.items() if rule.is_categorical)

Section = dict[str, Any]


@dataclass(frozen=True)
class Recipe:
    """How far a network is held back from learning its samples by heart.

    Attributes:
        dropout: share of hidden outputs that training sets to 0.
        memory: of weight decay, as a share of the run.
        learning_rate: of Adam, at its highest.
        least_steps: passes are added until a run has so many.
    """

    dropout: float
    memory: float
    learning_rate: float
    least_steps: int


RESTRAINED = Recipe(dropout=0.1, memory=0.25, learning_rate=3e-3, least_steps=500)
THOROUGH = Recipe(dropout=0.0, memory=1.0, learning_rate=1e-2, least_steps=3000)


def chosen_network(data: Data, recipe: Recipe = RESTRAINED) -> Section:
    """Return the network for so many samples: two hidden layers of 64, or of 128 for many."""
    size = 64 if data.samples["train"] < FEW_SAMPLES else 128
    return {"hidden": [size, size], "dropout": recipe.dropout}


def chosen_training(data: Data, given: Mapping[str, Any], recipe: Recipe = RESTRAINED) -> Section:
    """Return the settings for so many samples that were not given, by name.

    Args:
        given: settings that were asked for. What is chosen fits them: a decay fits the rate, the
            length and the batches of the run.
    """
    samples = data.samples["train"]
    chosen: Section = {"batch_size": 64 if samples < MANY_SAMPLES else 256}
    steps_an_epoch = -(-samples // given.get("batch_size", chosen["batch_size"]))
    wanted = max(EPOCHS, -(-recipe.least_steps // steps_an_epoch))
    chosen["epochs"] = max(min(wanted, MOST_STEPS // steps_an_epoch), 1)
    if len(data.validation) >= TELLING:
        chosen["patience"] = given.get("epochs", chosen["epochs"])  # to the end; the best is kept
    if given.get("optimizer", "adam") in ADAPTED:
        chosen |= {"learning_rate": recipe.learning_rate, "schedule": "cosine"}
        rate = given.get("learning_rate", recipe.learning_rate)
        steps = steps_an_epoch * given.get("epochs", chosen["epochs"])
        chosen["weight_decay"] = float(f"{1 / (rate * steps * recipe.memory):.2g}")
    if data.task != "numbers" and given.get("loss", "auto") in (*SMOOTHED, "auto"):
        chosen["label_smoothing"] = LABEL_SMOOTHING
    return {name: value for name, value in chosen.items() if name not in given}
