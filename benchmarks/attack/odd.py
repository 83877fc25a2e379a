"""Odd columns, frames and arrays, drawn from a generator: most can be learned from, some cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

Draw = np.random.Generator

CELLS = [
    *(
        "",
        " ",
        "0",
        "1",
        "2",
        "-3.5",
        "1e30",
        "1e39",
        "1e400",
        "1e-320",
        "inf",
        "-inf",
        "nan",
        "NA",
    ),
    *("a", "b", "True", "false", "1,5", "2020-01-01", "12:30", '"q"', '"', '""', "é", "漢", "\t"),
    *("+1", "0x1F", "1_000", "９", "-", "9" * 30, "x" * 5000, "a b", "\r", "\x1a", "\u2028", "#"),
    *("9007199254740993", "-9223372036854775808", "18446744073709551615", "1e", ".", "٣", "\ufeff"),
    *(
        "=1+1",
        "\x1b[31m",
        "\x00",
        "\u202e",
        "NULL",
        "#N/A",
        "true",
        "1.",
        ".5",
        "1d5",
        "0b1",
        "None",
    ),
]
POOLS = [
    *(["0", "1"], ["1", "2", "3"], ["0.5", "-2", "1e3", ""], ["1e-300", "3e38", "0"], ["5"]),
    *(["red", "blue"], ["u", "", "v"], ["true", "false"], ["0", "1", "3+"], ["1e30", "1.5"]),
    *([""], ["9007199254740993", "9007199254740992"], ["2020-01-01", "2021-02-03"], ["1,5", "2,5"]),
]
NAMES = [
    "a",
    "b",
    "y",
    "",
    " ",
    "a.b",
    "a",
    "y=1",
    "é",
    "x" * 9000,
    "\u202ea",
    "1",
    "column1",
    '""',
]


def pick(draw: Draw, usable: list, others: list) -> Any:
    """Return one of those that can be used, or now and then of the others."""
    made = usable if draw.random() < 0.85 else others
    return made[draw.integers(0, len(made))]


def column(draw: Draw, rows: int) -> pa.Array:
    """Return a column of one of Arrow's many types."""
    numbers = draw.integers(0, 3, rows).tolist()
    kinds = (
        pa.int8(),
        pa.uint16(),
        pa.int64(),
        pa.uint64(),
        pa.float32(),
        pa.float64(),
        pa.bool_(),
    )
    usable: list[Callable[[], pa.Array]] = [
        *(lambda kind=kind: pa.array(numbers, pa.int32()).cast(kind) for kind in kinds),
        lambda: pa.array(numbers).cast(pa.decimal128(30, 2)),
        lambda: pa.array(np.array(numbers, np.float16)),
        lambda: pa.array([2**53 + n for n in numbers]),
        lambda: pa.nulls(rows),
        lambda: pa.array([None if n == 0 else float(n) for n in numbers]),
        lambda: pa.array([f"w{n}" for n in numbers], pa.large_string()),
        lambda: pa.array([f" w{n} " for n in numbers]).dictionary_encode(),
        lambda: pa.array(numbers).dictionary_encode(),
    ]
    others: list[Callable[[], pa.Array]] = [
        lambda: pa.array(numbers, pa.int32()).cast(pa.date32()),
        lambda: pa.array(numbers, pa.int32()).cast(pa.time32("s")),
        lambda: pa.array(numbers, pa.int64()).cast(pa.timestamp("ns", "Asia/Tokyo")),
        lambda: pa.array(numbers, pa.int64()).cast(pa.duration("us")),
        lambda: pa.array([2**63 + n for n in numbers], pa.uint64()),
        lambda: pa.array([b"w%d" % n for n in numbers]),
        lambda: pa.array([[n] for n in numbers]),
        lambda: pa.array([{"n": n, "m": {"o": [n]}} for n in numbers]),
        lambda: pa.array([[("k", n)] for n in numbers], pa.map_(pa.string(), pa.int64())),
        lambda: pa.array([str(draw.choice(CELLS)) for _ in numbers]),
        lambda: pa.array([float("inf"), float("nan"), 1e300, *map(float, numbers)][:rows]),
    ]
    return pick(draw, usable, others)()


def columns(draw: Draw, rows: int) -> tuple[list[pa.Array], list[str]]:
    """Return columns and their names, the last of which is most often y."""
    width = int(draw.integers(2, 6))
    names = [*"abcde"[: width - 1], "y"]
    if draw.random() < 0.2:
        names[draw.integers(0, width)] = NAMES[draw.integers(0, len(NAMES))]
    return [column(draw, rows) for _ in names], names


def frame(draw: Draw, rows: int) -> Any:
    """Return an Arrow table, or a DataFrame with columns of any dtype."""
    arrays, names = columns(draw, rows)
    if draw.random() < 0.3 or len(set(names)) < len(names):
        return pa.Table.from_arrays(arrays, names)
    made = pa.Table.from_arrays(arrays, names).to_pandas()
    numbers = draw.integers(0, 3, rows)
    usable = [
        lambda: pd.Series(numbers, dtype="Int64").where(pd.Series(numbers) > 0),
        lambda: pd.Series(numbers > 0, dtype="boolean"),
        lambda: pd.Series(pd.Categorical(numbers, categories=[0, 1, 2, 9])),
        lambda: pd.Series(pd.Categorical([f"c{n}" for n in numbers])),
        lambda: pd.Series(pd.arrays.SparseArray(numbers.astype(float))),
        lambda: pd.Series([np.float32(n) for n in numbers], dtype=object),
    ]
    others = [
        lambda: pd.Series([1, "a", None, 2.5, {}, b"x"] * rows, dtype=object)[:rows],
        lambda: pd.Series(pd.period_range("2020", periods=rows, freq="D")),
        lambda: pd.Series(pd.date_range("2020", periods=rows, tz="Asia/Tokyo")),
        lambda: pd.Series(pd.interval_range(0, rows or 1)[:rows]),
        lambda: pd.Series(numbers + 1j),
        lambda: pd.Series([10**30 + int(n) for n in numbers], dtype=object),
        lambda: pd.Series([f"\ud800{n}" for n in numbers], dtype=object),
        lambda: pd.Series([[n] for n in numbers], dtype=object),
    ]
    odd = pick(draw, usable, others)()
    made["odd"] = odd.astype(object) if draw.random() < 0.2 else odd
    if draw.random() < 0.1:
        pairs = [(name, place) for place, name in enumerate(made.columns)]
        made.columns = pd.MultiIndex.from_tuples(pairs)
    return pd.concat([made, made], axis=1) if draw.random() < 0.1 else made


def array(draw: Draw, *shape: int) -> Any:
    """Return an array, list or frame of any type."""
    plain = draw.integers(0, 3, shape)
    kinds = (
        [">f8", "f4", "f2", "g", "?", "i1", "u8", ">i2"],
        ["c16", "S5", "M8[s]", "m8[s]", "O", "U5"],
    )
    typed = plain.astype(pick(draw, *kinds))
    usable = [
        lambda: typed,
        lambda: np.asfortranarray(typed),
        lambda: typed.tolist(),
        lambda: pd.DataFrame(typed) if typed.ndim == 2 else pd.Series(typed.reshape(-1)),
    ]
    others = [
        lambda: np.ma.masked_equal(plain, 1),
        lambda: plain.astype(float) * 1e300,
        lambda: np.where(plain == 1, np.nan, plain),
        lambda: plain + 2**53,
        lambda: np.zeros(shape, [("a", "f4"), ("b", "i4")]),
        lambda: np.array([f"\ud800{n}" for n in plain.reshape(-1)], object).reshape(shape),
    ]
    return pick(draw, usable, others)()
