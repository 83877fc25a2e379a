"""Whatever a file holds, loading gives finite arrays or an error in words, and spares the file."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whygrad.data import Data, load
from whygrad.errors import InputError

FUZZ = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
ROWS = "".join(f"{i % 7},{i * 0.5},{'red' if i % 3 else 'blue'},{i % 2}\n" for i in range(30))
GOOD = f"a,b,color,y\n{ROWS}".encode()

CELLS = st.sampled_from(
    [
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
        *(
            "a",
            "b",
            "True",
            "false",
            "1,5",
            "2020-01-01",
            "12:30",
            '"q"',
            '"',
            '""',
            "é",
            "漢",
            "\t",
        ),
        *(
            "+1",
            "0x1F",
            "1_000",
            "９",
            "-",
            "9" * 30,
            "x" * 5000,
            "a b",
            "\r",
            "\x1a",
            "\u2028",
            "#",
        ),
    ]
)
POOLS = [
    *(["0", "1"], ["1", "2", "3"], ["0.5", "-2", "1e3", ""], ["1e-300", "3e38", "0"], ["5"]),
    *(["red", "blue"], ["u", "", "v"], ["true", "false"], ["0", "1", "3+"], ["1e30", "1.5"]),
]
JOINTS = st.sampled_from([*",,,,,,,;;", "\t", "|", " ", "\n", "\r\n", "\r"])


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """The good file after a few cuts, insertions, repeats and overwrites."""
    content = GOOD
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 60)))
        cell = draw(CELLS).encode()
        noise = draw(st.one_of(st.binary(max_size=6), st.just(cell), st.just(b"\n"), st.just(b",")))
        content = content[:start] + noise * draw(st.sampled_from([1, 1, 1, 50])) + content[end:]
    return content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """Columns of small pools of cells, with a few odd cells put in anywhere."""
    width, length = draw(st.integers(2, 4)), draw(st.integers(0, 40))
    pools = [draw(st.sampled_from(POOLS)) for _ in range(width)]
    rows = [[pool[draw(st.integers(0, len(pool) - 1))] for pool in pools] for _ in range(length)]
    for _ in range(draw(st.sampled_from([0, 0, 1, 3])) if rows else 0):
        row, column = draw(st.integers(0, length - 1)), draw(st.integers(0, width - 1))
        rows[row][column] = draw(CELLS)
    joint = draw(JOINTS)
    header = joint.join([*"abc"[: width - 1], "y"])
    return "\n".join([header, *(joint.join(row) for row in rows)]).encode()


def check_loading(path, content: bytes, **options) -> None:
    path.write_bytes(content)
    try:
        data = load(path, **options)
    except InputError as error:
        assert str(error)
    else:
        check_finite(data)
    assert path.read_bytes() == content


def check_finite(data: Data) -> None:
    for part in data.parts.values():
        for array in part.arrays().values():
            assert np.isfinite(array).all()
    assert len(data.train) > 0
    assert data.train.x.shape[1] == len(data.feature_names) == data.n_in


@FUZZ
@given(content=st.one_of(mutations(), tables()), task=st.sampled_from([None, "numbers", "classes"]))
def test_a_mutated_table_loads_or_says_why_not(tmp_path, content, task):
    check_loading(tmp_path / "t.csv", content, target="y", task=task)


@FUZZ
@given(content=st.binary(max_size=300), suffix=st.sampled_from(["csv", "tsv", "parquet", "npz"]))
def test_random_bytes_load_or_say_why_not(tmp_path, content, suffix):
    options = {} if suffix == "npz" else {"target": "y"}
    check_loading(tmp_path / f"t.{suffix}", content, **options)


def whole_npz() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, x=np.arange(24.0).reshape(12, 2), y=np.arange(12) % 2)
    return buffer.getvalue()


def whole_parquet() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(pa.table({"a": [1.5, 2.5, None, 4.0] * 5, "y": ["u", "v"] * 10}), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("suffix", ["npz", "parquet"])
def test_a_damaged_binary_file_loads_or_says_why_not(tmp_path, suffix):
    content = whole_npz() if suffix == "npz" else whole_parquet()
    options = {} if suffix == "npz" else {"target": "y"}
    generator = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(content)
        for place in generator.integers(0, len(content), 3):
            damaged[place] = generator.integers(0, 256)
        check_loading(tmp_path / f"t.{suffix}", bytes(damaged), **options)
        cut = int(generator.integers(0, len(content)))
        check_loading(tmp_path / f"t.{suffix}", content[:cut], **options)


def test_a_zip_of_something_else_says_so(tmp_path):
    path = tmp_path / "t.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", b"no array")
        archive.writestr("y.npy", b"no array")
    with pytest.raises(InputError) as caught:
        load(path)
    assert str(caught.value) == (
        "t.npz cannot be used yet. Problems found: 1.\n- The file cannot be read as .npz: it is "
        "damaged or of another kind. Save it again, or check its ending."
    )
