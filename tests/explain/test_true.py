"""What ledgers, diagnoses and reports print is true: worked out anew on networks that are drawn."""

import math
import re
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parents[1]))  # the calculator of all tests

import whygrad as wg
from equalities import broken, equalities, text_of
from whygrad.explain.ledger import Ledger
from whygrad.words import number, speaking

torch = pytest.importorskip("torch")

SEEDS = [
    pytest.param(seed, marks=[pytest.mark.long] * (seed > 2))
    for seed in range(max(3, settings.default.max_examples))
]
ENDS = (  # output activation, loss, outputs, and what the targets are
    ("identity", "softmax_cross_entropy", 3, "classes"),
    ("softmax", "softmax_cross_entropy", 3, "classes"),
    ("softmax", "squared", 3, "classes"),
    ("sigmoid", "binary_cross_entropy", 1, "binary"),
    ("identity", "binary_cross_entropy", 1, "binary"),
    ("identity", "squared", 2, "numbers"),
    ("identity", "absolute", 2, "numbers"),
    ("identity", "huber", 2, "numbers"),
    ("tanh", "mean_squared", 1, "numbers"),
    ("identity", "hinge", 1, "binary"),
)
ACTIVATIONS = (
    "tanh",
    "relu",
    "sigmoid",
    "leaky_relu",
    "identity",
    "hard_sigmoid",
    "softplus",
    "elu",
)
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw", "rmsprop", "nadam", "lion")
INITS = ("he_normal", "normal:0.01", "normal:3", "constant:0.3", "zeros", "glorot_uniform")


def drawn(seed: int, folder: Path) -> wg.Run:
    """Return a run of a network, data and settings that a seed draws."""
    draw = np.random.default_rng(seed)
    activation, loss, outputs, task = ENDS[seed % len(ENDS)]
    x = draw.normal(size=(24, 3)) * 10.0 ** draw.integers(-2, 2)
    y = {
        "classes": draw.integers(0, 3, 24),
        "binary": draw.integers(0, 2, 24),
        "numbers": draw.normal(size=(24, outputs)),
    }[task]
    hidden = [int(width) for width in draw.integers(2, 7, draw.integers(1, 3))]
    network = wg.Network.create(
        [3, *hidden, outputs],
        activation=[str(draw.choice(ACTIVATIONS)) for _ in hidden],
        output_activation=activation,
        init=str(draw.choice(INITS, p=(0.4, 0.1, 0.2, 0.1, 0.05, 0.15))),
        bias=bool(draw.random() < 0.8),
        seed=seed,
    )
    return wg.train(
        network,
        wg.from_arrays(x, y, standardize=False, validation=0, test=0),
        out=folder / "run",
        loss=loss,
        optimizer=str(draw.choice(OPTIMIZERS)),
        learning_rate=float(10.0 ** draw.uniform(-3, -1)),
        batch_size=int(draw.integers(1, 13)),
        epochs=3,
        record_every=1,
        l2=float(draw.choice([0.0, 0.01])),
    )


@pytest.fixture(scope="module", params=SEEDS, ids=str)
def run(request, tmp_path_factory) -> wg.Run:
    return drawn(request.param, tmp_path_factory.mktemp("drawn"))


def asked(run: wg.Run, per_kind: int = 2) -> list[str]:
    """Return some addresses of every layer, of every kind."""
    draw, found = np.random.default_rng(0), []
    for name, spec in run.specs.items():
        found.append(name)
        for _ in range(per_kind):
            i, k = int(draw.integers(spec.n_in)), int(draw.integers(spec.n_out))
            place = f"[{k}, {i}]" if "model" in run.description else f"[{i}, {k}]"
            found += [f"{name}[{k}]", f"{name}.weight{place}"]
            found += [f"{name}.bias[{k}]"] if spec.bias else []
    return list(dict.fromkeys(found))


@pytest.fixture(scope="module")
def ledgers(run) -> list[Ledger]:
    steps = sorted({0, run.steps // 2, run.steps - 1})
    return [
        run.why(address, step=step, sample=(7 * step) % 24 if "[" in address else None)
        for address in asked(run, 1)
        for step in steps
    ]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_equalities_in_ledgers_hold(ledgers, language):
    with speaking(language):
        texts = [str(one) for one in ledgers] + [text_of(one._repr_html_()) for one in ledgers]
    texts = [re.sub(r"\n(?=[+−=≈\[])", " ", text) for text in texts]  # lines that were broken
    found = [one for text in texts for one in equalities(text)]
    assert len(found) >= len(ledgers), "there is something to work out"
    assert [one for one in found if not one.holds()] == []


def test_most_equalities_are_told_as_such(ledgers):
    """≈ is true of nearly everything; where the printed numbers allow it, it says =."""
    signs = [one.sign for ledger in ledgers for one in equalities(str(ledger))]
    assert signs.count("=") > 0.3 * len(signs)


def test_what_a_cause_says_is_so(ledgers):
    for ledger in ledgers:
        key, told = ledger.cause
        four = {factor.name: factor for factor in ledger.factors}
        name = key.split(".")[1]
        if name in four:
            assert [f.name for f in ledger.factors if f.is_cause] == [name], key
        if key.endswith(".unusual"):
            assert told["ratio"] == pytest.approx(four[name].value / four[name].median)
            assert told["ratio"] < 0.1
        elif key.endswith(".zero") or ".zero." in key:
            assert four[name].value == 0 and four[name].is_there
            earlier = ledger.factors[: list(four).index(name)]
            assert all(factor.value > 0 for factor in earlier)
        elif key == "cause.agreement.torn":
            assert told["chance"] == pytest.approx(ledger.samples**-0.5)
            assert four[name].value < told["chance"]
        elif key == "cause.upstream.cancelled":
            assert told["left"] == ledger.left_over < 1e-3
        elif key == "cause.none":
            ratios = [one.value / one.median for one in ledger.factors if one.median > 0]
            assert min(ratios, default=1) >= 0.1


def test_ranks_and_medians_are_those_of_the_neighbours(run):
    """Of all neurons and biases of a layer, from the ledgers of each of them."""
    for name, spec in run.specs.items():
        for part in ["", ".bias"] if spec.bias else [""]:
            every = [run.why(f"{name}{part}[{k}]", step=1) for k in range(spec.n_out)]
            for factors in zip(*(ledger.factors for ledger in every), strict=True):
                values = np.array([one.value for one in factors if one.is_there])
                for one in factors:
                    median = np.median(values) if len(values) else math.nan
                    assert one.median == pytest.approx(median, nan_ok=True)
                    if one.rank is None:
                        assert not one.is_there or one.value == 1
                        continue
                    near = np.isclose(values, one.value, rtol=1e-6, atol=0)
                    below = (values < one.value) & ~near
                    rank = (below.sum() + (near.sum() - 1) / 2) / max(len(values) - 1, 1)
                    assert one.rank == pytest.approx(rank if len(values) > 1 else 0.5)


def test_what_the_pushers_add_is_their_weight_times_their_delta(ledgers):
    for ledger in ledgers:
        if ledger.left_over is None:
            continue
        shares = [one.share for one in ledger.pushers]
        assert sum(shares) <= 1 + 1e-6 and sorted(shares, reverse=True) == shares
        if not ledger.pushers_rest:
            assert sum(shares) == pytest.approx(1)
            total = ledger.factors[0].value / ledger.left_over if ledger.left_over else 0.0
            parts = sum(abs(one.part) for one in ledger.pushers)
            assert parts <= total * (1 + 1e-3) or ledger.left_over in (0, 1)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_equalities_in_reports_and_diagnoses_hold(run, language, tmp_path):
    with speaking(language):
        page = run.report(tmp_path / "report.html").read_text("utf-8")
        told = f"{run.doctor()}\n{text_of(page)}"
    assert broken(told) == []
    if language == "zh":
        assert not re.search(r"\d\s%", str(told).split("\n\n")[0])


@pytest.mark.sampled
@pytest.mark.parametrize("seed", SEEDS)
def test_of_a_watched_model_too(seed, tmp_path):
    run = watched(seed, tmp_path / "run")
    for language in ("en", "zh"):
        with speaking(language):
            told = [str(run.why(address)) for address in asked(run, 1)]
            page = run.report(tmp_path / f"{language}.html").read_text("utf-8")
            told += [text_of(page), str(run.doctor())]
        found = [one for text in told for one in equalities(text)]
        assert found and [one for one in found if not one.holds()] == []
    for address in asked(run, 1):
        ledger = run.why(address)
        assert number(ledger.product) == number(abs(ledger.gradient)) or "≈" in str(ledger)


def watched(seed: int, folder: Path) -> wg.WatchedRun:
    """Return a watched run of a model, loss and optimiser that a seed draws."""
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    widths = [3, *(int(width) for width in draw.integers(2, 7, 2)), 3]
    act = [torch.nn.ReLU, torch.nn.Tanh, torch.nn.Sigmoid, torch.nn.GELU][seed % 4]
    layers: list[torch.nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [torch.nn.Linear(n_in, n_out, bias=bool(draw.random() < 0.8)), act()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = [torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop][
        seed % 4
    ]
    steps = optimizer(model.parameters(), lr=0.05)
    x, y = torch.randn(16, 3), torch.randint(0, 3, (16,))
    more = float(draw.choice([0.0, 0.37]))
    with wg.watch(model, every=1, out=folder) as watch:
        for _ in range(4):
            steps.zero_grad()
            outputs = model(x)
            loss = torch.nn.functional.cross_entropy(outputs, y)
            loss = loss + more * torch.nn.functional.mse_loss(outputs, torch.ones_like(outputs))
            (loss + more * sum(p.abs().sum() for p in model.parameters())).backward()
            steps.step()
    return watch.run
