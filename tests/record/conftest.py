"""A small run that many tests read, and ways to look at a folder."""

import hashlib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import whygrad as wg

sys.path.insert(0, str(Path(__file__).parents[2]))  # the attacks are no part of the package

OPTIONS = {"epochs": 3, "batch_size": 16, "record_every": 2, "learning_rate": 0.02}


@pytest.fixture(scope="session")
def iris() -> wg.Data:
    return wg.load("iris")


@pytest.fixture(scope="session")
def network() -> wg.Network:
    return wg.Network.create([4, 6, 3], activation="tanh", dropout=0.2, seed=1)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, iris, network) -> wg.Run:
    """A run that nobody may change."""
    return wg.train(network, iris, out=tmp_path_factory.mktemp("runs") / "finished", **OPTIONS)


@pytest.fixture
def copy(finished, tmp_path) -> Path:
    """A copy of it to do anything with."""
    return Path(shutil.copytree(finished.path, tmp_path / "copy"))


@pytest.fixture
def options() -> dict:
    return dict(OPTIONS)


@pytest.fixture
def hashes() -> Callable[[Path], dict[str, str]]:
    def of(folder: Path) -> dict[str, str]:
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    return of
