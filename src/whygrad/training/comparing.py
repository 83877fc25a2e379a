"""Which of two ways to train serves data better: both are tried, and validation tells.

Nothing about the shape of a table says whether its target is noisy. Samples of a noisy one should
not be learnt by heart; but what holds a network back from that also keeps it from following a
target that is exact. So a small job is trained both ways before it begins. What comes out depends
on the seeds and the samples alone, so it is the same every time.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from whygrad.core.arrays import tree_map
from whygrad.core.nn.network import Network
from whygrad.data.split import split
from whygrad.data.table import Data, Part
from whygrad.settings import Settings
from whygrad.training.checkpoint import Best
from whygrad.training.engine import engine_for, steps_of
from whygrad.training.evaluation import misses_by_sample
from whygrad.training.loop import prepare, steps_in, train_steps

FEWEST = 10  # validation samples that can tell one way from another
ROUNDING = 1e-4  # one sample more that is right makes exactly one standard error
MOST = 1000  # training samples, and validation samples: of longer tables a sample is drawn

Trial = tuple[Network, Settings]


@dataclass(frozen=True)
class Comparison:
    """What two ways to train came to on the validation part.

    Attributes:
        first, second: how far samples are missed on average: the share of wrong answers, or the
            mean squared error of numbers as they are trained on. Losses would not do: what holds a
            network back makes it less certain of classes that it knows as well.
        error: standard error of the mean difference, which is taken sample by sample.
    """

    first: float
    second: float
    error: float

    @property
    def prefers_second(self) -> bool:
        """Whether the second is better by more than one standard error; in doubt it is the first.

        Source: the one-standard-error rule, Breiman, Friedman, Olshen and Stone 1984, 3.4.3.
        """
        return self.first - self.second > (1 + ROUNDING) * self.error


def can_compare(trials: tuple[Trial, Trial], data: Data) -> bool:
    """Return whether two ways to train are over soon, and whether validation can tell.

    Soon is what NumPy does before JAX would have begun; see :mod:`whygrad.training.engine`.
    """
    if len(data.validation) < FEWEST:
        return False
    return all(
        engine_for(settings, network.sizes, settings.batch_size, steps_in(data, settings))
        == "numpy"
        for network, settings in trials
    )


def sample_of(data: Data) -> Data:
    """Return data of which at most :data:`MOST` samples train, and as many validate.

    Every class that trains is among them.
    """
    held = data.sampled
    classes = None if held.class_counts is None else held.train.y
    return replace(
        held,
        train=_drawn(held.train, classes),
        validation=_drawn(held.validation, None),
    )


def _drawn(part: Part, classes: np.ndarray | None) -> Part:
    if len(part) <= MOST:
        return part
    rows = split(len(part), classes, validation=0, test=1 - MOST / len(part), seed=0).train
    return Part(**{name: array[rows] for name, array in part.arrays().items()})


def compare(trials: tuple[Trial, Trial], data: Data) -> Comparison | None:
    """Train in each of two ways, with nothing recorded, and compare them on the validation part.

    Returns:
        What came out; None where the first misses nothing, so that none could be better.

    Raises:
        ShapeError: a network does not fit the data.
        OptionError: a loss does not fit the task.
    """
    first = _misses(*trials[0], data)
    if not first.any():
        return None
    second = _misses(*trials[1], data)
    first, second = first.astype(np.float64), second.astype(np.float64)
    with np.errstate(all="ignore"):
        error = np.std(first - second, ddof=1) / np.sqrt(len(first))
        return Comparison(float(np.mean(first)), float(np.mean(second)), float(error))


def _misses(network: Network, settings: Settings, data: Data) -> Float[np.ndarray, " samples"]:
    """Return how far each validation sample is missed by the network that a run would keep."""
    kept, loss = kept_network(network, settings, data)
    return misses_by_sample(kept, data.validation.x, data.validation.y, loss, data.task)


def kept_network(network: Network, settings: Settings, data: Data) -> tuple[Network, str]:
    """Return the network that a run would keep, and the loss that it is trained with."""
    task = prepare(network, data, replace(settings, record_every=0))
    first_state = steps_of(task.config.engine).first_state
    state = first_state(network, task.config, settings.learning_rate, settings.seed)
    best = Best(0, np.inf, network)
    for segment in train_steps(task, state):
        end, reached = segment.epoch_end, segment.state.network
        if end is None:
            continue
        if settings.patience is None:
            best = Best(end.epoch, np.inf, reached)  # the last: of all others nobody asks
        elif end.validation["loss"] < best.loss:
            # the state is given up to the next segment; what must outlive it is copied
            best = Best(end.epoch, end.validation["loss"], tree_map(np.array, reached))
        elif end.epoch - best.epoch >= settings.patience:
            break
    return best.network, task.settings.loss
