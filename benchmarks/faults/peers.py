"""Six networks on handwritten digits that other tools were tried on: ``benchmarks.faults.peers``.

A healthy one and five with known faults, 64-32-32-10, SGD at rate 0.05, batches of 64, 8 epochs.
Scored by cause: the first finding names the component that was broken, and the healthy one is told
nothing. The exit code is 1 if one is wrong.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sklearn.datasets

import whygrad as wg

SIZES = (64, 32, 32, 10)
TRAINING = {"optimizer": "sgd", "learning_rate": 0.05, "batch_size": 64, "epochs": 8}


@dataclass(frozen=True)
class Case:
    """A network and what is wrong with it.

    Attributes:
        network: what differs from the healthy one, as :meth:`whygrad.Network.create` takes it.
        components: what was broken; to name any one of them is right.
        scale: of the inputs, whose pixels go from 0 to 1.
    """

    network: Mapping[str, Any] = field(default_factory=dict)
    components: tuple[str, ...] = ()
    scale: float = 1.0


def closed(neurons: int) -> np.ndarray:
    """Return biases that keep the first neurons of a hidden layer closed."""
    return np.where(np.arange(32) < neurons, -10.0, 0.0)


CASES = {
    "healthy": Case(),
    "constant": Case({"init": "constant:0.5", "bias_init": "constant:0.5"}, ("init",)),
    "zeros": Case({"init": "zeros"}, ("init",)),
    "saturated": Case({"activation": "sigmoid", "init": "normal:2"}, ("init", "prep_x"), 50.0),
    "dead": Case({"bias_init": [closed(32), closed(32), "zeros"]}, ("bias_init",)),
    "mostly dead": Case({"bias_init": [closed(26), closed(26), "zeros"]}, ("bias_init",)),
}


def main() -> None:
    """Diagnose all six and print what was named, and what the remedy brought."""
    right = [told(name, case) for name, case in CASES.items()]
    print(f"{sum(right)} of {len(right)} of the six networks are right.")
    sys.exit(0 if all(right) else 1)


def told(name: str, case: Case) -> bool:
    """Print the line of a network and return whether its diagnosis is right."""
    found = diagnosed(case)
    causes = [finding.component for finding in found.findings]
    is_right = causes[0] in case.components if causes else not case.components
    named = ", ".join(finding.kind for finding in found.findings) or "healthy"
    was, now = (f"{np.median(values):.3f}" for values in (found.measures, after(found)))
    sign = "+" if is_right else "-"
    print(f"{sign} {name:12s} {was} -> {now} ({found.verdict})  {named}", flush=True)
    return is_right


def diagnosed(case: Case) -> Any:
    """Return the diagnosis of a network, remedies tried."""
    digits: Any = sklearn.datasets.load_digits()
    data = wg.from_arrays(digits.data / 16 * case.scale, digits.target)
    network = wg.Network.create(SIZES, **case.network)
    return wg.diagnose(network, data, verify=True, **TRAINING)


def after(found: Any) -> tuple[float, ...]:
    """Return what the remedy reached, one a seed; without one what there was before."""
    return found.best.outcome.measures if found.best else found.measures


if __name__ == "__main__":
    main()
