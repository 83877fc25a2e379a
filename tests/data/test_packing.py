"""Packing is exact: the same arrays, names and encoder come back, through JSON and safetensors."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load as from_bytes
from safetensors.numpy import save as to_bytes

from whygrad.data import Data, from_arrays, load, pack, unpack
from whygrad.data.table import ENCODER_ARRAYS

NUMBERS = st.floats(-1e14, 1e14) | st.none()  # larger ones are refused where training has none
WORDS = st.sampled_from(["red", "blue", "漢", 'a "b"', None])


def through_disk(data: Data) -> Data:
    """Return the data after a journey through bytes and text."""
    arrays, description = pack(data)
    return unpack(from_bytes(to_bytes(arrays)), json.loads(json.dumps(description)))


def check_equal(left: Data, right: Data) -> None:
    assert left.fingerprint == right.fingerprint
    for name in ("name", "task", "feature_names", "target_names", "image_shape", "source"):
        assert getattr(left, name) == getattr(right, name)
    assert [str(note) for note in left.notes] == [str(note) for note in right.notes]
    for name in ENCODER_ARRAYS:
        np.testing.assert_array_equal(getattr(left.encoder, name), getattr(right.encoder, name))
    for name, part in left.parts.items():
        other = right.parts[name]
        assert part.arrays().keys() == other.arrays().keys()
        assert {k: v.dtype for k, v in part.arrays().items()} == {
            k: v.dtype for k, v in other.arrays().items()
        }


@pytest.mark.filterwarnings("ignore::whygrad.errors.RunWarning")  # words that only test rows hold
@given(
    rows=st.lists(st.tuples(NUMBERS, WORDS), min_size=24, max_size=24),
    task=st.sampled_from([None, "numbers"]),
    has_weight=st.booleans(),
    seed=st.integers(0, 9),
)
def test_tables_come_back_and_encode_alike(rows, task, has_weight, seed):
    frame = pd.DataFrame(
        {
            "number": np.array([number for number, _ in rows], float),
            "word": pd.Series([word for _, word in rows], dtype=object),
            "count": np.arange(24) % 5,
            "w": np.arange(24) + 1.0,
            "y": np.arange(24) % 3,
        }
    )
    options = {"weight": "w"} if has_weight else {"drop": ["w"]}
    data = load(frame, target="y", task=task, seed=seed, **options)
    again = through_disk(data)
    check_equal(data, again)
    raw = frame.iloc[::-1]
    np.testing.assert_array_equal(data.encode(raw), again.encode(raw))
    targets = data.train.y
    np.testing.assert_array_equal(data.decode(targets), again.decode(targets))


@given(
    x=st.lists(
        st.lists(st.floats(-1e14, 1e14).map(lambda value: round(value, 9)), min_size=3, max_size=3),
        min_size=9,
        max_size=9,
    ),
    standardize=st.booleans(),
)
def test_arrays_come_back(x, standardize):
    data = from_arrays(x, np.arange(9.0), standardize=standardize, image_shape=(1, 3))
    again = through_disk(data)
    check_equal(data, again)
    np.testing.assert_array_equal(data.encode(x), again.encode(x))


def test_images_and_labels_come_back():
    check_equal(load("digits"), through_disk(load("digits")))
    labels = from_arrays(np.arange(20.0)[:, None], [[0, 0], [1, 1]] * 10, validation=0)
    check_equal(labels, through_disk(labels))


def test_the_description_is_plain_json():
    _, description = pack(load("wine", seed=3))
    assert json.loads(json.dumps(description, allow_nan=False)) == description
