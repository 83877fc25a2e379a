"""What streaming costs beside rows in memory: ``python -m benchmarks.streams``.

The same table, 20 numbers and two classes, is trained on from a file: once held in memory, once
streamed in pools of a fifth of its rows. Each training is a process of its own; the two take turns.
A longer and a longer table then show what memory streaming takes. Writes
``benchmarks/results/streams.json``; ``python -m benchmarks.table`` fills docs/benchmarks.md.
"""

import json
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from benchmarks.machine import describe
from benchmarks.run import write

COLUMNS, GROUP = 20, 50_000
ROWS, POOLS, EPOCHS = 500_000, 5, 3
LENGTHS = (250_000, 1_000_000, 4_000_000)
HOW = ("memory", "streamed")
CHILD = """
import json, re, resource, sys, time
from pathlib import Path
import whygrad as wg
path, how, epochs, pool, out = sys.argv[1:]
is_streamed = how == "streamed"
began, busy = time.perf_counter(), time.process_time()
buffer = int(pool) or None
data = wg.load(path, target="y", stream=is_streamed, **({"buffer": buffer} if is_streamed else {}))
loaded = time.perf_counter()
net = wg.Network.create([data.n_in, 32, 32, data.n_out], seed=0)
wg.train(net, data, out=out, epochs=int(epochs), batch_size=256, record_every=100)
ended = time.perf_counter()
print(json.dumps({
    "load": loaded - began,
    "train": ended - loaded,
    "seconds": ended - began,
    "cpu": time.process_time() - busy,
    "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""


def written(path: Path, rows: int) -> Path:
    """Write a table a row group at a time, so that writing takes little memory either."""
    rng = np.random.default_rng(0)
    names = [*(f"x{i}" for i in range(COLUMNS)), "y"]
    schema = pa.schema([(name, pa.float64()) for name in names[:-1]] + [("y", pa.int64())])
    kind = parquet.ParquetWriter if path.suffix == ".parquet" else csv.CSVWriter
    with kind(path, schema) as writer:
        for begin in range(0, rows, GROUP):
            x = rng.normal(size=(min(GROUP, rows - begin), COLUMNS)).round(5)
            y = (x[:, 0] + x[:, 1] * x[:, 2] > 0).astype(int)
            writer.write_table(pa.table([*x.T, y], schema=schema))
    return path


def trained(path: Path, how: str, epochs: int, pool: int) -> dict[str, float]:
    """Return what a training took, in a process of its own; ``pool`` 0 is the default."""
    with TemporaryDirectory() as folder:
        options = [str(path), how, str(epochs), str(pool), f"{folder}/run"]
        command = [sys.executable, "-c", CHILD, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(rounds: int = 3) -> dict:
    """Return medians by kind of file and way of reading, and the peak by number of rows."""
    files, peaks = {}, {}
    with TemporaryDirectory() as folder:
        for kind in ("parquet", "csv"):
            path = written(Path(folder) / f"t.{kind}", ROWS)
            lines: dict[str, list] = {how: [] for how in HOW}
            for turn in range(rounds):
                for how in HOW if turn % 2 else HOW[::-1]:
                    print(f"measuring: {kind}, {how}", file=sys.stderr, flush=True)
                    lines[how].append(trained(path, how, EPOCHS, ROWS // POOLS))
            files[kind] = {
                how: {key: float(np.median([one[key] for one in of])) for key in of[0]}
                for how, of in lines.items()
            }
        for rows in LENGTHS:
            print(f"measuring: {rows} rows", file=sys.stderr, flush=True)
            path = written(Path(folder) / "long.parquet", rows)
            file_mib = path.stat().st_size / 2**20
            peaks[str(rows)] = {"file_mib": file_mib} | trained(path, "streamed", 1, 0)
    return {"streams": files, "peaks": peaks}


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--rounds", type=int, default=3)
    write({"machine": describe(), **measure(parser.parse_args().rounds)}, "streams")


if __name__ == "__main__":
    main()
