"""Kept compiled code is as it was written, or it is thrown away and compiled again in silence."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from whygrad.core import compiled
from whygrad.core.compiled import Sealed
from whygrad.core.jax_private import file_cache

KEY, VALUE = "jit_step-0a1b", bytes(range(256)) * 4


@pytest.fixture
def kept(tmp_path) -> Sealed:
    """A cache that holds one entry."""
    cache = Sealed(file_cache(str(tmp_path)), tmp_path)
    cache.put(KEY, VALUE)
    return cache


def entry(folder: Path) -> Path:
    [path] = folder.glob("*-cache")
    return path


def a_bit(place: int):
    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[place] ^= 1
        path.write_bytes(content)

    return flip


def a_folder(path: Path) -> None:
    path.unlink()
    (path / "within").mkdir(parents=True)


DAMAGES = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "cut within the checksum": lambda path: path.write_bytes(path.read_bytes()[:20]),
    "empty": lambda path: path.write_bytes(b""),
    "garbage": lambda path: path.write_bytes(b"garbage" * 100),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "two writers": lambda path: path.write_bytes(path.read_bytes()[:500] * 2),
    "a bit of the checksum": a_bit(3),
    "a bit": a_bit(700),
    "a folder": a_folder,
    "a link to nothing": lambda path: (path.unlink(), path.symlink_to("nowhere")),
}


def test_what_was_put_is_got_by_whoever_asks(kept, tmp_path):
    assert kept.get(KEY) == VALUE
    assert Sealed(file_cache(str(tmp_path)), tmp_path).get(KEY) == VALUE
    assert kept.get("another") is None


def test_what_was_not_asked_for_the_longest_makes_room(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "MOST_BYTES", 3 * (len(VALUE) + compiled.DIGEST))
    cache = Sealed(file_cache(str(tmp_path)), tmp_path)
    foreign = tmp_path / "jit_other-cache"  # of a program without checksums
    foreign.write_bytes(bytes(10_000))
    for age, key in enumerate("abc"):
        cache.put(key, VALUE)
        os.utime(tmp_path / f"{cache.name_of(key)}-cache", (age, age))
    assert cache.get("a") == VALUE  # and so is younger than all others
    cache.put("d", VALUE)
    assert [cache.get(key) is not None for key in "abcd"] == [True, False, True, True]
    kept = tmp_path.glob("*-sealed-cache")
    assert sum(path.stat().st_size for path in kept) <= compiled.MOST_BYTES
    assert foreign.exists()


def test_an_entry_larger_than_the_bound_leaves_no_more_than_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "MOST_BYTES", 100)
    cache = Sealed(file_cache(str(tmp_path)), tmp_path)
    for key in "ab":
        cache.put(key, VALUE)
    assert [cache.get(key) for key in "ab"] == [None, VALUE]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_thrown_away_once(kept, tmp_path, damage):
    DAMAGES[damage](entry(tmp_path))
    assert kept.get(KEY) is None
    kept.put(KEY, VALUE)  # as JAX does after it compiled
    assert kept.get(KEY) == VALUE


def test_an_entry_without_a_checksum_is_not_ours(kept, tmp_path):
    """Another program may use the same folder, and must find its own entries there."""
    theirs = file_cache(str(tmp_path))
    theirs.put(KEY, b"theirs")
    assert (kept.get(KEY), theirs.get(KEY)) == (VALUE, b"theirs")


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path):
    class Full:
        def get(self, key):
            return None

        def put(self, key, value):
            path.write_bytes(value[:10])
            raise OSError(28, "No space left on device")

    cache = Sealed(Full(), tmp_path)
    path = tmp_path / f"{cache.name_of(KEY)}-cache"
    cache.put(KEY, VALUE)
    assert not path.exists(), "half of it is left"


PROGRAM = """
import sys
from whygrad.core import backend, compiled
compiled.keep()
backend.start()
import jax
print(jax.jit(lambda x: x * 3 + 1)(2))
"""


@pytest.mark.long
def test_jax_reads_damaged_entries_without_a_word(tmp_path):
    """As the command line keeps them; JAX by itself would warn at every start."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JAX_", "XLA_"))}
    own = {"XDG_CACHE_HOME": str(tmp_path), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    folder = tmp_path / "whygrad" / "compiled"

    def run() -> list[bytes]:
        done = subprocess.run(
            [sys.executable, "-W", "always", "-c", PROGRAM],
            env=kept | own | {"JAX_PLATFORMS": "cpu"},
            capture_output=True,
            text=True,
        )
        assert (done.stdout, done.stderr) == ("7\n", "")
        return [path.read_bytes() for path in sorted(folder.glob("*-cache"))]

    written = run()
    assert written and folder.stat().st_mode & 0o077 == 0, "others could write what we execute"
    for position, path in enumerate(sorted(folder.glob("*-cache"))):
        if position % 2:
            path.write_bytes(path.read_bytes()[:-9])
        else:
            path.unlink()
            path.mkdir()
    again = run()
    assert len(again) == len(written) and all(again)
    shutil.rmtree(folder)
    folder.write_bytes(b"")  # nothing can be kept
    assert run() == []
