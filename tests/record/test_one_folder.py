"""One folder, whoever wrote it: layers, rows, and what a run says it cannot do."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import whygrad as wg
from whygrad.errors import AddressError, InputError, OptionError
from whygrad.record.folder import RunFolder, find_runs

FORMAT1 = Path(__file__).parent / "format1"
HEAVY = ("jax", "jaxlib", "optax", "torch", "pandas", "xarray", "sklearn")


@pytest.fixture
def watched() -> wg.Run:
    return wg.Run(FORMAT1 / "watched")


@pytest.fixture
def own() -> wg.Run:
    return wg.Run(FORMAT1 / "own")


def test_both_kinds_of_run_are_read_alike(own, watched):
    for run in (own, watched):
        assert list(run.specs) == run.layers
        for name, spec in run.specs.items():
            steps, rows = run.rows(name)
            assert rows.shape == (len(steps), 6, spec.n_out)
            assert np.prod(spec.shape) == spec.n_in * spec.n_out
            np.testing.assert_array_equal(run.row(name, int(steps[-1])), rows[-1])
            assert dict(run.neurons(name).sizes) == {"step": len(steps), "neuron": spec.n_out}
        assert run.steps >= len(run.history_lines)
        with pytest.raises(AddressError):
            run.rows("nowhere")
    assert (own.kind, watched.kind) == ("trained", "watched")
    assert (own.facts, own.whole_steps) == ([], [])
    assert watched.whole_steps and watched.facts


def test_a_layer_of_an_own_network_is_known_without_the_network(finished):
    for name, spec in finished.specs.items():
        dense = finished.network[name]
        assert spec.shape == dense.weight.shape
        assert (spec.bias is None, spec.activation) == (dense.bias is None, dense.activation)
        assert (spec.steepest, spec.is_exactly_flat) == (
            dense.rule.steepest,
            dense.rule.exactly_flat,
        )
    assert [spec.is_matched for spec in finished.specs.values()] == [False, True]
    assert finished.network.specs.keys() == finished.specs.keys()


def test_what_a_watched_run_cannot_do_is_said(watched, tmp_path):
    assert not any(watched.can(what) for what in ("network", "data", "replay", "sample", "verify"))
    for look in (
        lambda: watched.network,
        lambda: watched.predict(np.zeros((1, 2))),
        lambda: watched.evaluate(),
        lambda: watched.settings,
        lambda: watched.export(tmp_path / "model.onnx"),
        lambda: watched.doctor(verify=True),
        lambda: watched.why(watched.layers[0], sample=1),
        lambda: wg.resume(watched.path),
    ):
        with pytest.raises(InputError) as raised:
            look()
        assert isinstance(raised.value, OptionError | AddressError)


def test_an_own_run_can_do_all(finished):
    assert all(finished.can(what) for what in ("train", "network", "replay", "export", "sample"))
    anatomy = finished.anatomy()
    assert list(anatomy) == finished.layers


def test_runs_of_all_kinds_are_found():
    assert {run.kind for run in find_runs(FORMAT1)} == {"trained", "watched"}
    assert all(isinstance(run, RunFolder) for run in find_runs(FORMAT1))


def test_reading_a_watched_run_takes_none_of_what_trains(tmp_path):
    code = f"""
import sys
import whygrad as wg
run = wg.open_run({str(FORMAT1 / "watched")!r})
run.rows(run.layers[0]), run.facts, run.kept_whole(), run.specs, run.steps, repr(run)
str(run.why(run.layers[0])), str(run.doctor()), run.check(), run._repr_html_()
run.report({str(tmp_path / "report.html")!r})
from whygrad.record import address, loss, merging, tracker
loss.told_loss(run)
print([name for name in {HEAVY} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.long
@pytest.mark.sampled
@pytest.mark.parametrize("command", ["show", "why", "doctor", "report"])
def test_the_command_line_reads_a_watched_run_without_jax(command, tmp_path):
    more = {"why": ["0[1]"], "report": ["--out", str(tmp_path / "report.html")]}.get(command, [])
    code = f"""
import sys
from whygrad.cli.app import app
try:
    app({[command, str(FORMAT1 / "watched"), *more]})
except SystemExit as end:
    assert not end.code, end.code
print([name for name in ("jax", "jaxlib", "optax", "torch") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip().splitlines()[-1] == "[]", done.stderr
