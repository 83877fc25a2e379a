"""What reading a table costs: ``python -m benchmarks.reading [ROWS]``.

Peak resident memory above that of the imported package, in a process of its own, over the size of
the table's numbers as float32; once for ``wg.load``, once for a training of one epoch.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

CHILD = """
import json, re, sys, time, threading
import jax.numpy as jnp
import numpy as np, pyarrow.csv, pyarrow.parquet
import whygrad as wg
from whygrad.cli.training import make_network
from pathlib import Path

def resident(name):
    return int(re.search(name + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

small, large, what = sys.argv[1:]
def work(path, out):
    data = wg.load(path, target="y")
    if what == "train":
        net = wg.Network.create([data.n_in, 4, data.n_out], seed=0)
        wg.train(net, data, epochs=1, batch_size=4096, record_every=1000, out=out)
    return data
work(small, small + ".run")
before = resident("VmRSS")
start = time.perf_counter()
data = work(large, large + ".run")
seconds = time.perf_counter() - start
size = sum(4 * p.x.size for p in data.parts.values())
print(json.dumps({"times": (resident("VmHWM") - before) / size, "seconds": seconds,
                  "MB": size / 1e6, "fingerprint": data.fingerprint}))
"""


def numeric(rows: int, columns: int = 50) -> pa.Table:
    """Return random numbers to six digits, and two classes."""
    rng = np.random.default_rng(0)
    values = {f"x{i}": rng.normal(size=rows).round(6) for i in range(columns)}
    return pa.table(values | {"y": rng.integers(0, 2, rows)})


def mixed(rows: int) -> pa.Table:
    """Return 20 columns of words, 15 of whole numbers, 15 of numbers that lack some, a number."""
    rng = np.random.default_rng(0)
    words = np.array(["red", "green", "blue", "black", "white", "grey"])
    values: dict = {f"c{i}": words[rng.integers(0, 2 + i % 5, rows)] for i in range(20)}
    values |= {f"n{i}": rng.integers(0, 1000, rows) for i in range(15)}
    for i in range(15):
        numbers = rng.normal(size=rows).round(4)
        values[f"m{i}"] = pa.array(numbers, mask=rng.random(rows) < 0.1)
    return pa.table(values | {"y": rng.normal(size=rows).round(4)})


def measure(table: pa.Table, suffix: str, what: str) -> dict:
    """Return the peak over the float32 size, the seconds, and the fingerprint of the data."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}.{suffix}" for name in ("small", "large")]
        for path, part in zip(paths, (table[:100], table), strict=True):
            if suffix == "csv":
                csv.write_csv(part, path, csv.WriteOptions(quoting_style="needed"))
            else:
                pq.write_table(part, path)
        command = [sys.executable, "-c", CHILD, *map(str, paths), what]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1]) | {"file_MB": paths[1].stat().st_size / 1e6}


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    for name, table in {"numeric": numeric(rows), "mixed": mixed(rows)}.items():
        for suffix in ("csv", "parquet"):
            for what in ("load", "train"):
                found = measure(table, suffix, what)
                print(name, suffix, what, json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
