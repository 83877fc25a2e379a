"""JAX is started through one door: in a forked child it is shut, and says so instead of hanging."""

import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from types import SimpleNamespace

import joblib
import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV

import whygrad as wg
from whygrad.errors import BackendError
from whygrad.training.engine import engine_for
from whygrad.words import speaking

pytestmark = pytest.mark.long

HAS_CUDA = any(find_spec(f"jax_cuda{version}_plugin") for version in (12, 13))
PATIENCE = 60  # seconds, after which a child is taken to hang
FORKED = (
    "Process {process} is a fork of a process in which JAX was already running; JAX must be "
    "started in the process that uses it, and would wait here forever. Start processes with "
    'multiprocessing.get_context("spawn"), or use joblib\'s own backend, loky.'
)


@pytest.fixture(scope="module")
def large() -> Iterator[None]:
    """Take every job for one that is large enough for JAX."""
    with pytest.MonkeyPatch.context() as patch:
        for place in ("training.loop", "interop.sklearn.epochs"):
            patch.setattr(f"whygrad.{place}.engine_for", lambda *_: "jax")
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory, large) -> SimpleNamespace:
    """One of everything that a program may have made before it forks."""
    home = tmp_path_factory.mktemp("made")
    network, data = wg.Network.create([2, 3, 1], seed=0), wg.load("xor", samples=40)
    run = wg.train(network, data, epochs=1, out=home / "run", record_every=1)
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
    with wg.watch(model, every=1, out=home / "watched") as watch:
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        model(torch.ones(4, 2)).square().mean().backward()
        optimizer.step()
    x, y = data.train.x, data.train.y
    classifier = wg.MLPClassifier((3,), max_iter=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classifier.fit(x, y.astype(int))
    trace = wg.forward(network, x)
    anatomy = wg.backward(network, trace, y, loss="binary_cross_entropy")
    return SimpleNamespace(
        network=network, data=data, run=run, watched=watch.run, model=model, home=home,
        x=x, y=y, classifier=classifier, trace=trace, anatomy=anatomy,
    )  # fmt: skip


def torch_backward(made):
    made.model(torch.ones(4, 2)).square().mean().backward()


USES: dict[str, Callable] = {
    "create": lambda m: wg.Network.create([2, 2]),
    "from_arrays": lambda m: wg.Network.from_arrays([np.eye(2)], None, activations=["relu"]),
    "from_torch": lambda m: wg.from_torch(m.model),
    "forward": lambda m: wg.forward(m.network, m.x),
    "backward": lambda m: wg.backward(m.network, m.trace, m.y, loss="squared"),
    "gradients": lambda m: m.anatomy.gradients(),
    "factors": lambda m: wg.factors(m.anatomy["hidden1"]),
    "clones": lambda m: wg.clones(m.network),
    "effective width": lambda m: wg.effective_width(m.network),
    "train": lambda m: wg.train(m.network, m.data, epochs=1),
    "train_together": lambda m: wg.train_together([m.network], m.data, wg.Settings(epochs=1)),
    "diagnose": lambda m: wg.diagnose(m.network, m.data, epochs=1),
    "resume": lambda m: wg.resume(m.run.path),
    "network": lambda m: wg.open_run(m.run.path).network,
    "predict": lambda m: wg.open_run(m.run.path).predict(m.x),
    "predict again": lambda m: m.run.predict(m.x),
    "evaluate": lambda m: m.run.evaluate(),
    "history": lambda m: wg.open_run(m.run.path).history,
    "neurons": lambda m: wg.open_run(m.run.path).neurons("hidden1"),
    "why": lambda m: m.run.why("hidden1.weight[0, 0]"),
    "doctor": lambda m: m.run.doctor(),
    "report": lambda m: m.run.report(m.home / "report.html"),
    "export": lambda m: m.run.export(m.home / "a.safetensors"),
    "watched why": lambda m: m.watched.why("0.weight[0, 0]"),
    "watched anatomy": lambda m: m.watched.anatomy(),
    "watched doctor": lambda m: m.watched.doctor(),
    "watched report": lambda m: m.watched.report(m.home / "watched.html"),
    "fit": lambda m: wg.MLPClassifier((3,), max_iter=2).fit(m.x, m.y.astype(int)),
    "partial_fit": lambda m: m.classifier.partial_fit(m.x, m.y.astype(int)),
    "estimator predict": lambda m: m.classifier.predict(m.x),
    "lesson": lambda m: wg.lessons.chain().run(lambda share: None),
    "load": lambda m: wg.load("xor", samples=40),
    "torch": torch_backward,
}  # fmt: skip
# What needs no JAX goes on working.
FREE = ("clones", "effective width", "history", "neurons")
FREE += ("watched why", "watched doctor", "watched report")
FREE += ("estimator predict", "load", "torch")


def in_fork(use: Callable, made: SimpleNamespace) -> str:
    """Return the error that a use met in a forked child, "" if none, "hang" if it never ended."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # JAX warns of any fork
        child = os.fork()
    if child == 0:
        signal.alarm(PATIENCE)
        try:
            use(made)
            said = ""
        except BaseException as error:
            said = f"{type(error).__name__}: {error}".replace(f"Process {os.getpid()} ", "Process ")
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return "hang" if os.WIFSIGNALED(status) else said


@pytest.mark.parametrize("use", USES)
def test_whatever_is_used_in_a_forked_child_says_so_and_never_hangs(made, use):
    expected = f"BackendError: {FORKED.replace('{process} ', '')}"
    assert in_fork(USES[use], made) == ("" if use in FREE else expected)


@pytest.mark.parametrize("use", ["train", "fit", "resume"])
def test_a_small_job_works_in_a_forked_child(use, tmp_path, monkeypatch):
    for place in ("training.loop", "interop.sklearn.epochs"):
        monkeypatch.setattr(f"whygrad.{place}.engine_for", engine_for)  # as it is outside of here
    data = wg.load("xor", samples=40)
    start = wg.Network.create([2, 3, 1], engine="numpy")
    jobs = {
        "train": lambda _: wg.train(start, data, epochs=1),
        "fit": lambda _: wg.MLPClassifier((3,), tol=1.0).fit(data.train.x, data.train.y),
        "resume": lambda _: wg.resume(
            wg.train(start, data, epochs=9, out=tmp_path / "run", watch=lambda _: True).path
        ),
    }
    assert in_fork(jobs[use], SimpleNamespace()) == ""


def test_the_error_speaks_chinese():
    with speaking("zh"):
        assert str(BackendError("error.backend_forked", process=3)) == (
            "进程 3 由一个已在运行 JAX 的进程 fork 而来；JAX 必须在使用它的进程中"
            "启动，在这里会永远等待。"
            '请用 multiprocessing.get_context("spawn") 启动进程，或使用 joblib 的默认后端 loky。'
        )


def searching(made, many: int, way: str) -> GridSearchCV:
    """Return a search over two rates, with ``many`` processes of joblib's backend ``way``."""
    asked = {"learning_rate_init": [0.01, 0.1]}
    estimator = wg.MLPClassifier((3,), max_iter=2, random_state=0)
    search = GridSearchCV(estimator, asked, cv=2, n_jobs=many, error_score="raise")
    with warnings.catch_warnings(), joblib.parallel_backend(way):
        warnings.simplefilter("ignore")
        return search.fit(made.x, made.y.astype(int))


def test_joblib_works_with_its_own_backend_and_speaks_up_with_forks(made):
    alone = searching(made, 1, "sequential")
    beside = searching(made, 2, "loky")
    assert np.array_equal(
        alone.cv_results_["mean_test_score"], beside.cv_results_["mean_test_score"]
    )
    with pytest.raises(BackendError, match=r"^Process \d+ is a fork of a process in which JAX"):
        searching(made, 2, "multiprocessing")


class Rows(torch.utils.data.Dataset):
    """Rows that a network has seen, as a worker of torch's loader would ask for them."""

    def __init__(self, network: wg.Network):
        self.network = network

    def __len__(self) -> int:
        return 1

    def __getitem__(self, row: int) -> np.ndarray:
        return np.asarray(wg.forward(self.network, np.ones((1, 2), np.float32)).output)


def test_workers_of_torchs_loader_say_so(made):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loader = torch.utils.data.DataLoader(Rows(made.network), num_workers=1, timeout=PATIENCE)
        with pytest.raises(BackendError, match="is a fork of a process in which JAX"):
            next(iter(loader))


PROGRAM = """
import os, signal, warnings
warnings.simplefilter("ignore")
{before}
child = os.fork()
if child == 0:
    signal.alarm(60)
    import whygrad as wg
    try:
        wg.Network.create([2, 2])
        print("works", flush=True)
    except wg.WhygradError as error:
        print(error.key, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("import whygrad as wg; wg.Network", "works"),  # JAX is imported, and not yet started
        ("import jax; jax.devices()", "error.backend_forked"),  # by others
    ],
)
def test_what_counts_is_whether_jax_was_started(before, said):
    code = PROGRAM.format(before=before)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (f"{said}\n", "")


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (
            {"JAX_PLATFORMS": "nonsense"},
            "JAX was to start with these environment variables: JAX_PLATFORMS=nonsense. It does "
            "not: RuntimeError: Unable to initialize backend 'nonsense': Backend 'nonsense' is "
            "not in the list of known backends: ",
        ),
        pytest.param(
            {"JAX_PLATFORMS": "cuda"},
            "JAX was to start with these environment variables: JAX_PLATFORMS=cuda. A platform "
            "that they name has no device here, or no plugin for JAX. Name another one, or compute "
            "on the CPU with JAX_PLATFORMS=cpu.",
            marks=pytest.mark.skipif(HAS_CUDA, reason="JAX has its plugin for CUDA here"),
        ),
        (
            {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_nonsense=1"},
            "XLA, the compiler of JAX, takes flags from the environment variable XLA_FLAGS, and "
            "does not accept --xla_nonsense=1: Unknown flag in XLA_FLAGS: --xla_nonsense=1. "
            "Correct the variable, or unset it.",
        ),
    ],
)
def test_an_environment_in_which_jax_does_not_start_is_named(environment, message):
    code = "import whygrad as wg\ntry: wg.Network.create([2, 2])\n"
    code += "except wg.WhygradError as error: print(type(error).__name__, error)"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JAX_", "XLA_"))}
    done = subprocess.run(
        [sys.executable, "-c", code], env=kept | environment, capture_output=True, text=True
    )
    assert done.stdout.startswith(f"BackendError {message}"), done.stderr
