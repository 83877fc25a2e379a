"""What the files of a run must hold: the tables refuse in whole sentences what no run wrote."""

import json
import random
import shutil
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks.attack.descriptions import mutations, watched_run
from benchmarks.attack.mutating import described, sign
from torch import nn

import whygrad as wg
from whygrad.capture.kinds import KINDS
from whygrad.capture.products import Alone, Scale, Shift
from whygrad.errors import AddressError, RunError
from whygrad.record.files import write_whole
from whygrad.record.schema import watched as schema
from whygrad.record.sealed import (
    parse,
    read_lines,
    read_tensors,
    sealed_lines,
    write_json,
    write_tensors,
)

RESTORE = " Restore the file from a backup, or train the run again."
FOLDER = " Restore the folder from a backup, or train the run again."


@pytest.fixture(scope="session")
def seen(tmp_path_factory) -> Path:
    """The run of a watched model that nobody may change."""
    return watched_run(tmp_path_factory.mktemp("watched") / "run")


@pytest.fixture
def watched(seen, tmp_path) -> Path:
    """A copy of it to do anything with."""
    return Path(shutil.copytree(seen, tmp_path / "watched"))


def put(content, place: str, value):
    """Put a value at a place such as ``layers/0/kind``; ``...`` takes away what is there."""
    *outer, last = (int(one) if one.isdecimal() and one != "0" else one for one in place.split("/"))
    inner = content
    for name in outer:
        inner = inner[int(name)] if isinstance(inner, list) else inner[str(name)]
    last = int(last) if isinstance(inner, list) else str(last)
    if value is ...:
        del inner[last]
    else:
        inner[last] = value


def refused(path: Path, read) -> str:
    with pytest.raises(RunError) as raised:
        read(wg.open_run(path))
    return str(raised.value).replace(str(path), "RUN")


OWN = {
    ("network/activations/0", '"x"'): "network.activations[0] must be one of ",
    ("network/activations", '["tanh"]'): "network.activations must be 2 to agree with sizes, got 1."
    + FOLDER,
    ("network/sizes", "[4]"): "the list network.sizes must have 2–∞ entries, got 1." + RESTORE,
    ("network/sizes/0", "true"): "network.sizes[0] must be a whole number ≥ 1, < 2147483648, "
    "got true." + RESTORE,
    ("network/biases/1", "null"): "network.biases[1] must be true or false, got null." + RESTORE,
    ("network/dropout", '"0.2"'): 'network.dropout must be a finite number ≥ 0, < 1, got "0.2".'
    + RESTORE,
    ("settings/learning_rate", "-1"): "settings.learning_rate must be a finite number > 0, got -1."
    + RESTORE,
    ("settings/epochs", f"1{400 * '0'}"): "settings.epochs must be a whole number ≥ 1, got 1"
    + 59 * "0"
    + "…."
    + RESTORE,
    ("settings/beta3", "0.5"): "settings.beta3 is nothing that this version of whygrad writes. "
    "Update whygrad if a newer version wrote it; else restore the file from a backup, or train "
    "the run again.",
    ("settings/optimizer", "gone"): "settings.optimizer is missing." + RESTORE,
    ("created", '{"a": 1}'): "created must be a string, got {…}." + RESTORE,
    ("origin", "[]"): "origin must be an object, got []." + RESTORE,
    ("result/test/loss", "gone"): "result.test.loss is missing." + RESTORE,
    ("result", "gone"): "result is missing." + RESTORE,
    ("result/test/loss", "[1]"): "result.test.loss must be a finite number, got […]." + RESTORE,
    ("steps", "22"): "steps must be ≤ 21 to agree with settings.epochs, got 22." + FOLDER,
    ("checkpoints/0", '"0x"'): "checkpoints.0 must be a checksum of eight hexadecimal digits, got "
    '"0x".' + RESTORE,
    ("checkpoints/last", '"00000000"'): "checkpoints.last must be called by the number of a step."
    + RESTORE,
    ("data/samples/train", "0"): "data.samples.train must be a whole number ≥ 1, < 2147483648, "
    "got 0." + RESTORE,
}


@pytest.mark.parametrize(("change", "says"), OWN.items(), ids=lambda one: str(one)[:40])
def test_run_json_of_an_own_run_is_refused_with_the_place(copy, change, says):
    content = described(copy / "run.json")
    put(content, change[0], ... if change[1] == "gone" else json.loads(change[1]))
    write_json(copy / "run.json", content)
    assert refused(copy, repr).startswith(f"In RUN/run.json, {says}")


WATCHED = {
    ("layers/0/kind", '"lstm"'): "layers.0.kind must be one of linear, conv, conv_transpose, "
    'embedding, norm, channel_norm, scale, shift, alone, got "lstm".' + RESTORE,
    ("layers/0/neuron_axes", "[0, 0]"): "layers.0.neuron_axes must be [0] to agree with shape, got "
    "[…]." + FOLDER,
    ("layers/0/n_out", "5"): "layers.0.n_out must be 6 to agree with shape, got 5." + FOLDER,
    ("layers/0/shape", "[6, 4, 2]"): "layers.0.n_in must be 8 to agree with shape, got 4." + FOLDER,
    ("layers/0/weight", "gone"): "layers.0.weight is missing." + RESTORE,
    ("layers", "[1]"): "layers must be an object, got […]." + RESTORE,
    ("state", '"stopped"'): 'state must be one of training, failed, finished, got "stopped".'
    + RESTORE,
    ("explainable", '"0.weight"'): 'explainable must be a list, got "0.weight".' + RESTORE,
    ("overhead/ratio", "null"): "overhead.ratio must be a finite number, got null." + RESTORE,
}


@pytest.mark.parametrize(("change", "says"), WATCHED.items(), ids=lambda one: str(one)[:40])
def test_run_json_of_a_watched_run_is_refused_with_the_place(watched, change, says):
    content = described(watched / "run.json")
    put(content, change[0], ... if change[1] == "gone" else json.loads(change[1]))
    write_json(watched / "run.json", content)
    assert refused(watched, repr) == f"In RUN/run.json, {says}"


def test_lines_are_refused_with_their_number(watched, copy):
    facts = read_lines(watched / "facts.jsonl")
    put(facts[2], "losses/0/claims/shape", [16, -3])
    write_whole(watched / "facts.jsonl", sealed_lines(facts))
    assert refused(watched, lambda run: run.doctor()) == (
        "In RUN/facts.jsonl:3, losses[0].claims.shape[1] must be a whole number ≥ 0, < 2147483648, "
        "got -3." + RESTORE
    )
    history = read_lines(copy / "history.jsonl")
    write_whole(copy / "history.jsonl", sealed_lines([history[1], history[0], *history[2:]]))
    assert refused(copy, lambda run: run.history) == (
        "In RUN/history.jsonl:2, step must be > 2 to agree with history.jsonl:1, got 0." + FOLDER
    )
    history[3]["epoch"] = 1
    write_whole(copy / "history.jsonl", sealed_lines(history))
    assert refused(copy, lambda run: run.history) == (
        "In RUN/history.jsonl:4, epoch must be 0 to agree with step, got 1." + FOLDER
    )


def test_a_run_does_not_go_on_from_lines_that_no_run_wrote(copy):
    history = read_lines(copy / "history.jsonl")
    history[1]["step"] = {"a": 1}
    write_whole(copy / "history.jsonl", sealed_lines(history))
    with pytest.raises(RunError) as raised:
        wg.resume(copy)
    assert str(raised.value) == (
        f"In {copy / 'history.jsonl'}:2, step must be a whole number ≥ 0, < 2147483648, "
        "got {…}." + RESTORE
    )


def test_facts_of_a_layer_that_run_json_does_not_know_are_refused(watched):
    facts = read_lines(watched / "facts.jsonl")
    facts[0]["layers"]["head"] = facts[0]["layers"].pop("4")
    write_whole(watched / "facts.jsonl", sealed_lines(facts))
    assert refused(watched, lambda run: run.doctor()) == (
        "In RUN/facts.jsonl:1, layers.head is no layer of the run: run.json does not know it."
        + FOLDER
    )


def changed_arrays(path: Path, change) -> None:
    tensors, notes = read_tensors(path)
    change(tensors, notes)
    sign(path, write_tensors(path, tensors, notes))


def exchange(first: str, second: str):
    def change(tensors, notes):
        tensors[first], tensors[second] = tensors[second], tensors[first]

    return change


def test_exchanged_arrays_of_a_step_kept_whole_are_refused(watched):
    path = watched / "whole" / "2.safetensors"
    changed_arrays(path, exchange("0/weight.before", "4/weight.before"))
    assert refused(watched, lambda run: run.why("0[1]", step=2)) == (
        "In RUN/whole/2.safetensors, 0/weight.before must be the array float32[6, 4], "
        "got float32[3, 6]." + RESTORE
    )


def test_a_layer_whose_gradient_never_came_is_told(watched):
    def forget(tensors, notes):
        for name in [name for name in tensors if name.startswith("0/weight.")]:
            if name != "0/weight.before":
                del tensors[name]

    changed_arrays(watched / "whole/2.safetensors", forget)
    run = wg.open_run(watched)
    with pytest.raises(AddressError):
        run.why("0[1]", step=2)
    assert str(run.why("4", step=2)), "the others are explained without it"


def test_notes_of_another_step_are_refused(watched):
    changed_arrays(watched / "whole/2.safetensors", lambda _, notes: notes["line"].update(step=4))
    assert refused(watched, lambda run: run.why("0[1]", step=2)) == (
        "In RUN/whole/2.safetensors, line.step must be 2 to agree with 2.safetensors, got 4."
        + FOLDER
    )


def test_exchanged_arrays_of_a_checkpoint_are_refused(copy):
    changed_arrays(
        copy / "checkpoints/0.safetensors",
        exchange("network.dense.0.weight", "network.dense.1.weight"),
    )
    assert refused(copy, lambda run: run.checkpoint(0)) == (
        "In RUN/checkpoints/0.safetensors, network.dense.0.weight must be the array "
        "float32[4, 6], got float32[6, 3]." + RESTORE
    )


def test_a_parameter_that_is_no_number_is_refused_with_its_index(copy):
    def poison(tensors, notes):
        tensors["network.dense.1.bias"] = np.array([0, np.nan, 1], np.float32)

    changed_arrays(copy / "checkpoints/0.safetensors", poison)
    assert refused(copy, lambda run: run.checkpoint(0)) == (
        "In RUN/checkpoints/0.safetensors, network.dense.1.bias[1] must be a finite number, "
        'got "nan".' + RESTORE
    )


def test_a_checkpoint_of_another_seed_is_refused(copy):
    def change(tensors, notes):
        tensors["key"] = tensors["key"] + np.uint32(1)

    changed_arrays(copy / "checkpoints/0.safetensors", change)
    assert "key must be" in refused(copy, lambda run: run.checkpoint(0))


def test_rows_of_another_file_are_refused(copy):
    anatomy = copy / "anatomy"
    first, second = sorted(int(path.stem) for path in anatomy.glob("*"))[:2]
    (anatomy / f"{second}.safetensors").write_bytes((anatomy / f"{first}.safetensors").read_bytes())
    assert refused(copy, lambda run: run.neurons("hidden1")) == (
        f"In RUN/anatomy/{second}.safetensors, steps[0] must be {second} to agree with "
        f"{second}.safetensors, got {first}." + FOLDER
    )


def test_data_of_other_columns_and_widths_is_refused(copy):
    def rename(tensors, notes):
        columns = notes["description"]["columns"]
        columns[0], columns[1] = columns[1], columns[0]

    path = copy / "data.safetensors"
    changed_arrays(path, rename)
    assert refused(copy, lambda run: run.data) == (
        "In RUN/data.safetensors, description.feature_names[0] must be sepal width (cm) to agree "
        'with columns, got "sepal length (cm)".' + FOLDER
    )
    changed_arrays(path, rename)
    changed_arrays(path, lambda tensors, notes: tensors.pop("encoder.scale"))
    assert refused(copy, lambda run: run.data) == (
        "In RUN/data.safetensors, encoder.scale is missing." + RESTORE
    )


def test_other_data_of_the_same_form_is_refused(copy):
    def change(tensors, notes):
        tensors["train.x"] = tensors["train.x"] + np.float32(0.5)

    changed_arrays(copy / "data.safetensors", change)
    assert refused(copy, lambda run: run.data) == (
        "The run file RUN/data.safetensors holds other data than the run was trained on: the "
        "fingerprint differs from that in run.json. Restore both files from a backup, or train "
        "the run again."
    )


def test_a_loss_that_does_not_fit_the_task_is_refused(copy):
    content = described(copy / "run.json")
    content["settings"]["class_weight"] = [1.0, 2.0]
    write_json(copy / "run.json", content)
    assert refused(copy, lambda run: run.task) == (
        "In RUN/run.json, network, data and settings do not fit together: The target has 3 "
        "classes, got 2 class weights. Give one for each class, in the order of the class names. "
        "Restore the folder from a backup, or train the "
        "run again."
    )


@pytest.mark.parametrize(
    "text",
    ['{"a": NaN}', '{"a": -Infinity}', '{"a": 1, "a": 2}', "{", "[" * 10**5],
)
def test_json_is_read_strictly(text):
    with pytest.raises((ValueError, RecursionError)):
        parse(text)


def test_half_a_character_is_read_as_it_was_written():
    """The name of a file whose bytes are no UTF-8 holds some."""
    assert parse(json.dumps({"\udcff": "😀"})) == {"\udcff": "😀"}


@pytest.mark.parametrize("task", ["classes", "binary", "labels", "numbers"])
def test_what_a_run_writes_passes(tmp_path, task):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(40, 3))
    y = {
        "classes": draw.integers(0, 3, 40),
        "binary": draw.integers(0, 2, 40),
        "labels": draw.integers(0, 2, (40, 2)),
        "numbers": draw.normal(size=(40, 2)),
    }[task]
    weight = np.linspace(0.5, 1.5, 40)
    data = wg.from_arrays(x, y, task=task, sample_weight=weight, validation=0.2, test=0.2)
    net = wg.Network.create([3, 4, data.n_out], seed=0)
    run = wg.train(net, data, epochs=2, batch_size=8, patience=1, out=tmp_path / "run")
    assert run.history_lines and run.evaluate() and run.neurons("hidden1").sizes["step"]
    assert all(run.checkpoint(step) for step in run.checkpoints)


class Everything(nn.Module):
    """A layer of every kind, one frozen, one called twice, and one that is never."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(5, 4)
        self.conv = nn.Conv1d(4, 4, 3, padding=1, groups=2)
        self.norm = nn.BatchNorm1d(4)
        self.up = nn.ConvTranspose1d(4, 6, 2)
        self.length = nn.LayerNorm(6)
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
        self.twice = nn.Linear(6, 6)
        self.frozen = nn.Linear(6, 6).requires_grad_(False)
        self.never = nn.Linear(2, 2)
        self.head = nn.Linear(6, 1, bias=False)

    def forward(self, words):
        x = self.up(self.norm(self.conv(self.words(words).mT))).mT
        x = self.attention(*3 * [self.length(x)], need_weights=False)[0]
        return self.head(self.frozen(torch.tanh(self.twice(torch.relu(self.twice(x)))))).mean(1)


@pytest.mark.parametrize("name", ["SGD", "Adafactor"])
def test_what_watching_writes_passes(tmp_path, name):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Everything()
        optimizer = getattr(torch.optim, name)(model.parameters(), lr=0.1)
        with wg.watch(model, every=1, out=tmp_path / "run"):
            for _ in range(3):
                optimizer.zero_grad()
                loss = nn.functional.mse_loss(model(torch.randint(0, 5, (3, 6))), torch.ones(3, 1))
                loss.backward()
                optimizer.step()
    run = wg.open_run(tmp_path / "run")
    assert {layer["kind"] for layer in run.description["layers"].values()} == {
        one.kind for one in KINDS
    }
    assert run.facts and run.history_lines and all(run.whole(step) for step in run.whole_steps)
    assert all(len(run.rows(layer)[0]) for layer in run.layers)


def test_the_kinds_of_layers_are_those_of_watching():
    kinds = [one.kind for one in (*KINDS, Scale, Shift, Alone)]
    assert schema.WATCHED_KINDS == tuple(dict.fromkeys(kinds))


@pytest.mark.parametrize("kind", ["finished", "seen"])
def test_no_reader_falls_over_what_a_file_says(request, tmp_path, kind):
    """A short form of ``make attack``."""
    found = request.getfixturevalue(kind)
    sound = found if isinstance(found, Path) else found.path
    for trial in islice(mutations(sound, random.Random(7), tmp_path, quickly=True), 6):
        assert not trial.problem, trial
