"""The options of the lesson on symmetry, and the bounds that its laws are held against."""

from whygrad.lessons.instruments.elementwise import NAMES
from whygrad.lessons.options import option, setup
from whygrad.settings import Range

TOLERANCE = 1e-9  # between two loss curves, relative: float64 rounds at 1e-16 and errors add up
ROOM = 0.95  # of the loss of random starts: who is further down by less is not ahead


@setup
class Symmetry:
    """Options: how a layer of equal neurons starts, what it learns, and how."""

    constant: float = option(0.5, Range(float, -100, 100))
    activation: str = option("tanh", NAMES)
    width: int = option(16, Range(int, 2, 129))
    data: str = option("circles", ("circles", "xor", "digits"))
    optimizer: str = option("adam", ("sgd", "adam"))
    learning_rate: float = option(0.05, Range(float, 0, 10, includes_low=False))
    steps: int = option(1000, Range(int, 2, 20001))
    dropout: float = option(0.2, Range(float, 0, 1))
    seeds: int = option(8, Range(int, 1, 65))
    seed: int = option(0, Range(int, 0, 2**30))
