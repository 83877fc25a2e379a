"""Tables, arrays and configurations of any content.

Each is either read, to finite numbers of the right count, or refused in words: within seconds, and
without taking much more memory than its own size.
"""

from __future__ import annotations

import io
import json
import pickle
import re
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import whygrad as wg
from benchmarks.attack import Trial, odd
from benchmarks.attack.odd import CELLS, NAMES, POOLS, Draw
from whygrad.cli.plan import make_plan
from whygrad.cli.training import load_data, make_network
from whygrad.errors import WhygradError
from whygrad.words import speaking

SECONDS, MEGABYTES = 20.0, 300  # that one attack may take


@dataclass(frozen=True)
class Attack:
    """Something to be read.

    Args:
        kind: what is thrown, such as ``csv mutated``.
        read: takes a folder to write into, and reads; returns data or None.
        rows: how many samples there are at most, where that is known.
    """

    kind: str
    read: Callable[[Path], Any]
    rows: int | None = None


ENDINGS = ("csv", "tsv", "txt", "parquet", "npz")
STARTS = {  # of files of other kinds
    "zip": b"PK\x03\x04\x14\x00",
    "excel": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "gzip": b"\x1f\x8b\x08",
    "npy": b"\x93NUMPY\x01\x00v\x00{'descr'",
    "hdf5": b"\x89HDF\r\n\x1a\n",
    "pickle": b"\x80\x04\x95",
    "sqlite": b"SQLite format 3\x00",
    "pdf": b"%PDF-1.7\n",
    "arrow": b"ARROW1\x00\x00",
    "elf": b"\x7fELF",
    "png": b"\x89PNG\r\n\x1a\n",
    "json": b'{"a": [',
    "html": b"<html><body>",
    "utf-16": b"\xff\xfea\x00,\x00",
    "utf-32": b"\xff\xfe\x00\x00a\x00\x00\x00",
    "zstd": b"\x28\xb5\x2f\xfd",
    "git-lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
}


def attack(seed: int, folder: Path) -> Iterator[Trial]:
    """Read one odd thing after the other."""
    for number, one in enumerate(attacks(seed)):
        yield Trial(f"number {number}, {one.kind}", held(one, folder))


def attacks(seed: int) -> Iterator[Attack]:
    """Yield attacks of all kinds in turn."""
    for number in count():
        yield MAKERS[number % len(MAKERS)](np.random.default_rng([seed, number]))


def mutated(draw: Draw, content: bytes) -> bytes:
    """Return content after a few cuts, repeats, overwritten and inserted bytes."""
    for _ in range(draw.integers(1, 5)):
        start = int(draw.integers(0, len(content) + 1))
        end = min(len(content), start + int(draw.integers(0, 60)))
        noise = [
            draw.bytes(int(draw.integers(0, 6))),
            str(draw.choice(CELLS)).encode("utf-8", "surrogatepass"),
            *(b"\n", b",", b'"', b"[", b"(", b"\r", b"\t"),
            content[end : end + 20],
        ][draw.integers(0, 10)]
        content = content[:start] + noise * int(draw.choice([1, 1, 1, 50])) + content[end:]
    return content[: draw.integers(0, len(content) + 1)] if draw.random() < 0.2 else content


def flipped(draw: Draw, content: bytes) -> bytes:
    """Return content with one to four bytes changed, or cut."""
    if draw.random() < 0.2:
        return content[: draw.integers(0, len(content))]
    changed = bytearray(content)
    for place in draw.integers(0, len(content), draw.integers(1, 5)):
        changed[place] = draw.integers(0, 256)
    return bytes(changed)


def loading(name: str, content: bytes, **options: Any) -> Callable[[Path], Any]:
    """Return what writes a file and loads it; the file must stay as it is."""

    def read(folder: Path) -> Any:
        path = folder / name
        path.write_bytes(content)
        try:
            return wg.load(path, **options)
        finally:
            assert path.read_bytes() == content, "the file was changed"

    return read


def good_text(draw: Draw, joint: str = ",") -> bytes:
    rows = (
        f"{i % 7}{joint}{i * 0.5}{joint}{'red' if i % 3 else 'blue'}{joint}{i % 2}"
        for i in range(30)
    )
    return "\n".join([joint.join(["a", "b", "color", "y"]), *rows, ""]).encode()


def text_mutated(draw: Draw) -> Attack:
    joint = str(draw.choice([",", "\t", ";", "|"]))
    content = mutated(draw, good_text(draw, joint))
    task = draw.choice(np.array([None, "numbers", "classes", "labels", "binary"], object))
    return Attack("text mutated", loading("t.csv", content, target="y", task=task))


def text_drawn(draw: Draw) -> Attack:
    """Columns of small pools of cells, a few odd cells and names anywhere."""
    width, length = int(draw.integers(2, 6)), int(draw.choice([0, 1, 6, 20, 40, 40]))
    pools = [POOLS[draw.integers(0, len(POOLS))] for _ in range(width)]
    rows = [[str(draw.choice(pool)) for pool in pools] for _ in range(length)]
    for _ in range(draw.integers(0, 4) if rows else 0):
        row = rows[draw.integers(0, length)]
        row[draw.integers(0, width)] = str(draw.choice(CELLS))
        if draw.random() < 0.1:
            row.append("1")
    names = [*"abcde"[: width - 1], "y"]
    if draw.random() < 0.3:
        names[draw.integers(0, width)] = NAMES[draw.integers(0, len(NAMES))]
    joint, end = (
        str(draw.choice([",", ",", ";", "\t", "|", " "])),
        str(draw.choice(["\n", "\n", "\r\n", "\r"])),
    )
    text = end.join([joint.join(names), *(joint.join(row) for row in rows)])
    encoding = str(
        draw.choice(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1", "utf-32"])
    )
    content = text.encode(encoding, "replace")
    return Attack("text drawn", loading("t.csv", content, target="y"), rows=length + 1)


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, **options)
    return buffer.getvalue()


def parquet_flipped(draw: Draw) -> Attack:
    columns = {"a": [1.5, 2.5, None, 4.0] * 5, "n": list(range(20)), "y": ["u", "v"] * 10}
    options = {"compression": str(draw.choice(["none", "snappy", "zstd", "gzip"]))}
    content = flipped(draw, parquet(columns, use_dictionary=bool(draw.random() < 0.5), **options))
    return Attack("parquet flipped", loading("t.parquet", content, target="y"))


def parquet_drawn(draw: Draw) -> Attack:
    rows = int(draw.choice([0, 1, 5, 30, 30, 30]))
    buffer, table = io.BytesIO(), pa.Table.from_arrays(*odd.columns(draw, rows))
    pq.write_table(table, buffer, row_group_size=max(1, rows // 2))
    return Attack("parquet drawn", loading("t.parquet", buffer.getvalue(), target="y"), rows=rows)


def frame_drawn(draw: Draw) -> Attack:
    rows = int(draw.choice([0, 1, 5, 30, 30, 30]))
    frame = odd.frame(draw, rows)
    return Attack("frame drawn", lambda folder: wg.load(frame, target="y"), rows=rows)


def arrays_drawn(draw: Draw) -> Attack:
    """Arrays in Python, and in a file."""
    rows = int(draw.choice([0, 1, 5, 12, 12, 12]))
    x, y = odd.array(draw, rows, 2), odd.array(draw, rows, *([2] if draw.random() < 0.3 else []))
    options = {"sample_weight": None if draw.random() < 0.8 else odd.array(draw, rows)}
    options["standardize"] = bool(draw.random() < 0.5)
    is_file = draw.random() < 0.3

    def read(folder: Path) -> Any:
        if not is_file:
            return wg.from_arrays(x, y, **options)
        np.savez(folder / "t.npz", x=x, y=y)
        return wg.load(folder / "t.npz")

    return Attack("arrays drawn", read, rows=rows)


def npz_bytes(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def npz_flipped(draw: Draw) -> Attack:
    content = npz_bytes(x=np.arange(24.0).reshape(12, 2), y=np.arange(12) % 2)
    return Attack("npz flipped", loading("t.npz", flipped(draw, content)), rows=12)


def npz_header(draw: Draw) -> Attack:
    """Arrays whose header is damaged or lies."""
    kind = str(
        draw.choice(
            [
                "<f8",
                ">f8",
                "<f4",
                "<i8",
                "|b1",
                "<U3",
                "|S3",
                "<M8[s]",
                "<c16",
                "|O",
                "|V8",
                "<f2",
                "<f16",
            ]
        )
    )
    shape = str(
        draw.choice(
            [
                "(12, 2)",
                "(12,)",
                "(2, 12)",
                "(12, 2",
                "(-1, 2)",
                "(10**9, 2)",
                "(1000000000, 1000)",
                "()",
                "(12, 0)",
                "(12.0, 2)",
                "(True, 2)",
                "(4, 3, 2)",
            ]
        )
    )
    order = str(draw.choice(["False", "True", "None"]))
    header = (
        f"{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}".ljust(117) + "\n"
    )
    raw = header.encode() if draw.random() < 0.5 else mutated(draw, header.encode())
    size = len(raw) if draw.random() < 0.8 else int(draw.integers(0, 2**16))
    start = b"\x93NUMPY\x01\x00" + min(size, 65535).to_bytes(2, "little") + raw
    body = bytes(400) if draw.random() < 0.5 else draw.bytes(400)
    buffer, good = io.BytesIO(), io.BytesIO()
    np.save(good, np.arange(12) % 2)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", start + body)
        archive.writestr("y.npy", good.getvalue() if draw.random() < 0.7 else start + body)
    return Attack("npz header", loading("t.npz", buffer.getvalue()))


def foreign(draw: Draw) -> Attack:
    """A file of another kind under one of the known endings."""
    start = STARTS[str(draw.choice(list(STARTS)))]
    content = start + draw.bytes(int(draw.integers(0, 2000)))
    if draw.random() < 0.1:
        content = pickle.dumps({"x": np.arange(5), "y": [1] * 5})
    ending = str(draw.choice(ENDINGS))
    return Attack(
        "foreign", loading(f"t.{ending}", content, **({} if ending == "npz" else {"target": "y"}))
    )


CONFIG = b"""[data]
source = "iris"
validation = 0.1
drop = []
[network]
hidden = [8, 4]
activation = "relu"
dropout = 0.0
[training]
learning_rate = 0.001
epochs = 3
class_weight = "balanced"
seed = 0
"""
VALUES = [
    *("1", "-1", "0", "1e400", "nan", "inf", "true", "[]", "[[1]]", '["a", 1]', "{}", "{a = 1}"),
    *('"x"', '""', "2020-01-01", "12:00:00", "9" * 30, "9" * 5000, '"\\u0000"', "[1.5, -2]"),
    *("'''\nx'''", "[" * 500),
]


def config(draw: Draw) -> Attack:
    """A configuration with bytes or values changed."""
    content = CONFIG
    if draw.random() < 0.6:
        lines = CONFIG.decode().splitlines()
        place = int(draw.choice([i for i, line in enumerate(lines) if "=" in line]))
        lines[place] = f"{lines[place].split(' =')[0]} = {draw.choice(VALUES)}"
        content = "\n".join(lines).encode()
    if draw.random() < 0.6:
        content = mutated(draw, content)

    def read(folder: Path) -> Any:
        (folder / "c.toml").write_bytes(content)
        plan = make_plan(folder / "c.toml", {})
        if any(size > 1000 for size in plan.network.get("hidden", [])):
            return None  # networks too large for memory are another attack
        data = load_data(plan, quiet=True)
        make_network(plan.completed(data), data)
        return data

    return Attack("config", read)


MAKERS = (
    *(text_mutated, text_drawn, parquet_flipped, parquet_drawn, npz_flipped, npz_header),
    *(frame_drawn, arrays_drawn, foreign, config),
)


def held(attack: Attack, folder: Path) -> str:
    """Return what is wrong with the way in which an attack ended; nothing where it was held."""
    before, start = _peak(reset=True), time.perf_counter()
    try:
        data = attack.read(folder)
        wrong = "" if data is None else wrong_with(data, attack.rows)
    except WhygradError as error:
        with speaking("zh"):
            wrong = "" if str(error).strip() else "no sentence in Chinese"
        wrong = wrong or ("" if str(error).strip() else "no sentence")
    except BaseException as error:
        wrong = f"{type(error).__name__}: {error}"
    seconds, taken = time.perf_counter() - start, _peak() - before
    if seconds > SECONDS:
        wrong = wrong or f"took {seconds:.0f} s"
    return wrong or (f"took {taken / 1e6:.0f} MB" if taken > MEGABYTES * 1e6 else "")


def wrong_with(data: wg.Data, rows: int | None) -> str:
    """Return what is wrong with data that was read."""
    for name, part in data.parts.items():
        for key, array in part.arrays().items():
            if not np.isfinite(array).all():
                return f"{name}.{key} is not finite"
        if part.x.dtype != np.float32 or part.x.shape != (len(part.rows), data.n_in):
            return f"{name}.x is {part.x.dtype} {part.x.shape}"
    if not (len(data.train) and data.n_in and data.n_in == len(data.feature_names)):
        return "nothing to train on"
    places = np.concatenate([part.rows for part in data.parts.values()])
    if len(np.unique(places)) != len(places) or (rows is not None and len(places) > rows):
        return f"{len(places)} samples of {rows} rows"
    json.dumps([data.feature_names, data.target_names, data.source], ensure_ascii=False).encode()
    return ""


def _peak(reset: bool = False) -> int:
    """Return the most memory that was resident since the last reset, in bytes; 0 where unknown."""
    if not sys.platform.startswith("linux"):
        return 0
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0
