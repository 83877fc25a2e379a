"""How long one waits for whygrad: the import, and iris from the shell to the result.

``python -m benchmarks.startup``; every measurement is a fresh process.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

ROUNDS = 5
IMPORT = """
import sys, time
start = time.perf_counter()
import whygrad
print(time.perf_counter() - start, "jax" in sys.modules)
"""


def measure(rounds: int = ROUNDS) -> dict:
    """Return medians in seconds, and whether the import started JAX."""
    imports = [_import() for _ in range(rounds)]
    return {
        "import_seconds": median(seconds for seconds, _ in imports),
        "import_loads_jax": any(loads for _, loads in imports),
        "train_iris_seconds": median(_train_iris() for _ in range(rounds)),
    }


def _import() -> tuple[float, bool]:
    command = [sys.executable, "-c", IMPORT]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, loads_jax = done.stdout.split()
    return float(seconds), loads_jax == "True"


def _train_iris() -> float:
    program = Path(sys.executable).with_name("whygrad")
    with TemporaryDirectory() as folder:
        command = [program, "train", "iris", "--out", f"{folder}/run"]
        start = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        return time.perf_counter() - start


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
