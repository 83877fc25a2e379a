"""Commands that are printed to be copied name the run they speak of, wherever it lies."""

import shlex
import shutil

import pytest
import torch

import whygrad as wg
from whygrad.cli.console import WIDTH
from whygrad.cli.showing import result_page, show_page
from whygrad.doctor.health import health_of
from whygrad.words import speaking
from whygrad.words.terminal import as_plain

pytestmark = pytest.mark.long

NAMES = (
    "a run", "it's", 'say "hi"', "$HOME `x`", "训练 一", "a;b&c|d", "back\\slash", "*?[x]",
    " ".join(["a long way down"] * 9),
)  # fmt: skip


@pytest.fixture(params=NAMES)
def folder(request, tmp_path):
    return tmp_path / request.param / "run"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    data, out = wg.load("xor", samples=32), tmp_path_factory.mktemp("own") / "run"
    return wg.train(wg.Network.create([2, 2, 1]), data, epochs=1, batch_size=16, out=out).path


def commands(page, path) -> dict[str, list[str]]:
    """Return by name the words of the commands on a page that speak of a folder."""
    lines = [line for line in as_plain(page, WIDTH).splitlines() if "whygrad " in line]
    split = [shlex.split(line[line.index("whygrad ") :]) for line in lines]
    assert all(words[2] == str(path) for words in split)
    return {words[1]: words for words in split}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_after_a_training(own, folder, language):
    run = wg.open_run(shutil.copytree(own, folder))
    with speaking(language):
        found = commands(result_page(run, health_of(run), ""), folder)
    assert set(found) == {"why", "doctor", "report"}
    assert found["why"][3] == "hidden1.weight[0, 0]"


@pytest.mark.sampled(6)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_of_a_watched_model(folder, language):
    model = torch.nn.ModuleDict({"a b'c": torch.nn.Linear(2, 1)})
    with wg.watch(model, every=1, out=folder) as watch:
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        model["a b'c"](torch.ones(4, 2)).sum().backward()
        optimizer.step()
    with speaking(language):
        found = commands(show_page(watch.run), folder)
    assert set(found) == {"why", "doctor", "report"}
    assert watch.run.why(found["why"][3]).step == 0
