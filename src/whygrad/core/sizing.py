"""What a network takes in memory while it trains, so that what cannot fit is never begun."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

from whygrad.core.memory import require_memory
from whygrad.errors import InputError, WhygradError

FLOAT = 4  # bytes
COPIES = 4  # of the parameters: themselves, their gradients, and two moments of the optimiser
ACTIVATIONS = 4  # arrays (batch, n_out) that a step holds of every layer at least
HUGE = 10**30  # of which no machine has so much; larger numbers are not told exactly


def check_network(sizes: Sequence[int]) -> None:
    """Check that a network of these sizes can be trained in the memory that there is.

    Args:
        sizes: numbers of neurons, from the inputs to the outputs.

    Raises:
        TooLargeError: it cannot.
    """
    count = sum((n_in + 1) * n_out for n_in, n_out in pairwise(map(int, sizes)))
    _check("error.network_too_large", FLOAT * COPIES * count, parameters=count)


def check_step(sizes: Sequence[int], batch: int, recorded: int) -> None:
    """Check that a step of training can be held in the memory that there is.

    Args:
        batch: samples a step.
        recorded: numbers that wait on the device to be recorded.

    Raises:
        TooLargeError: it cannot.
    """
    check_network(sizes)
    neurons = sum(map(int, sizes))
    needed = FLOAT * (ACTIVATIONS * batch * neurons + recorded)
    _check("error.batch_too_large", needed, batch=batch, neurons=neurons)


@contextmanager
def running_out() -> Iterator[None]:
    """Turn memory that runs out all the same into an error of whygrad's own.

    Raises:
        InputError: there was not enough memory.
    """
    try:
        yield
    except Exception as error:
        if is_shortage(error):
            raise InputError("error.out_of_memory") from error
        raise


def is_shortage(error: Exception) -> bool:
    """Return whether an error, NumPy's or XLA's, says that memory ran out."""
    if isinstance(error, WhygradError):
        return False
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)


def _check(key: str, needed: int, **values: int) -> None:
    told = {name: float(min(value, HUGE)) for name, value in values.items()}
    require_memory(min(needed, HUGE), key, **told)
