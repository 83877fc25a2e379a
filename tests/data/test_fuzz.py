"""Whatever is to be read gives finite numbers or an error in words, and spares the file.

What is thrown, and how each is judged, stands in ``benchmarks.attack.tables``, which also runs with
other seeds and counts.
"""

import sys
import zipfile
from itertools import islice
from pathlib import Path

import pytest

from whygrad.data import load
from whygrad.errors import InputError

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.attack import tables


@pytest.mark.filterwarnings("ignore")  # what pandas says while odd frames are made
@pytest.mark.parametrize(
    "maker", range(len(tables.MAKERS)), ids=lambda n: tables.MAKERS[n].__name__
)
def test_whatever_is_read_is_data_or_an_error_in_words(tmp_path, maker):
    of_kind = islice(tables.attacks(0), maker, 300, len(tables.MAKERS))
    wrong = {number: tables.held(attack, tmp_path) for number, attack in enumerate(of_kind)}
    assert {number: said for number, said in wrong.items() if said} == {}


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (lambda folder: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda folder: load("iris"), "150 samples of 3 rows"),
        (lambda folder: bytearray(400_000_000) and None, "took 400 MB"),
    ],
)
def test_the_judge_sees_what_is_wrong(tmp_path, read, said):
    assert tables.held(tables.Attack("wrong", read, rows=3), tmp_path) == said


def test_some_attacks_are_read_and_some_refused(tmp_path):
    def is_read(attack) -> bool:
        try:
            return attack.read(tmp_path) is not None
        except InputError:
            return False

    outcomes = [is_read(attack) for attack in islice(tables.attacks(0), 100)]
    assert 10 < sum(outcomes) < 90


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
