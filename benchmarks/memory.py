"""Whether the memory of a run grows with its length: ``python -m benchmarks.memory``.

Fresh processes train the same network on digits, some ten times as long as the others, all of them
recording every step and writing to disk.
"""

import json
import subprocess
import sys
from statistics import median
from tempfile import TemporaryDirectory

SHORT, LONG = 20, 200  # epochs
ROUNDS = 3
TRAIN = """
import resource, sys
import whygrad
data = whygrad.load("digits")
network = whygrad.Network.create([64, 32, 10])
epochs, folder = int(sys.argv[1]), sys.argv[2]
whygrad.train(network, data, epochs=epochs, batch_size=32, record_every=1, out=folder)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def measure() -> dict:
    """Return the highest resident memory of a short and of a long run, medians in MiB."""
    short, long = (median(peak_mib(epochs) for _ in range(ROUNDS)) for epochs in (SHORT, LONG))
    return {"epochs": [SHORT, LONG], "peak_mib": [short, long], "growth": long / short - 1}


def peak_mib(epochs: int) -> float:
    """Return the highest resident memory of a process that trains so many epochs, in MiB."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-c", TRAIN, str(epochs), f"{folder}/run"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) / 1024  # Linux counts in KiB


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
