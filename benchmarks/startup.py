"""How long one waits for whygrad: the import, and iris from the shell to the result.

``python -m benchmarks.startup``; every measurement is a fresh process.
"""

import json
import os
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
    """Return medians in seconds, and whether the import started JAX.

    Training is timed cold, with nothing compiled before, and again, with what the first one kept.
    """
    imports = [_import() for _ in range(rounds)]
    trainings = [_train_iris_twice() for _ in range(rounds)]
    return {
        "import_seconds": median(seconds for seconds, _ in imports),
        "import_loads_jax": any(loads for _, loads in imports),
        "train_iris_seconds": median(cold for cold, _ in trainings),
        "train_iris_again_seconds": median(again for _, again in trainings),
    }


def _import() -> tuple[float, bool]:
    command = [sys.executable, "-c", IMPORT]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, loads_jax = done.stdout.split()
    return float(seconds), loads_jax == "True"


def _train_iris_twice() -> tuple[float, float]:
    with TemporaryDirectory() as folder:
        environment = os.environ | {"XDG_CACHE_HOME": f"{folder}/cache"}
        cold = _train_iris(f"{folder}/cold", environment)
        return cold, _train_iris(f"{folder}/again", environment)


def _train_iris(out: str, environment: dict[str, str]) -> float:
    command = [Path(sys.executable).with_name("whygrad"), "train", "iris", "--out", out]
    start = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True, env=environment)
    return time.perf_counter() - start


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
