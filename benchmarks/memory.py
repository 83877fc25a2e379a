"""Whether the memory of a run grows with its length: ``python -m benchmarks.memory``.

Two fresh processes train the same network on digits, one ten times as long, both recording every
step and writing to disk.
"""

import json
import subprocess
import sys
from tempfile import TemporaryDirectory

SHORT, LONG = 20, 200  # epochs
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
    """Return the highest resident memory of a short and of a long run, in MiB."""
    short, long = peak_mib(SHORT), peak_mib(LONG)
    return {"epochs": [SHORT, LONG], "peak_mib": [short, long], "growth": long / short - 1}


def peak_mib(epochs: int) -> float:
    """Return the highest resident memory of a process that trains so many epochs, in MiB."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-c", TRAIN, str(epochs), f"{folder}/run"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) / 1024  # Linux counts in KiB


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
