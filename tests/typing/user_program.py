"""A program of a user's, as ``mypy --strict`` reads it. It is never run.

Every public name is used once, and what comes back is what a reader would expect: a type, not Any.
"""

from pathlib import Path
from typing import Any, assert_type

import numpy as np
from torch import nn, optim

import whygrad as wg
from whygrad.capture import Watch
from whygrad.capture.lightning import LightningWatch
from whygrad.capture.transformers import TrainerWatch
from whygrad.core.factors import LayerFactors
from whygrad.doctor.diagnosis import Diagnosis
from whygrad.explain import Ledger
from whygrad.interop.exporting import Exported
from whygrad.interop.tracking import Logged
from whygrad.lab.page import Lab
from whygrad.lessons.lesson import Experiment, Result
from whygrad.record.tracker import Tracker
from whygrad.training.batched import Batched
from whygrad.training.checking import Checked
from whygrad.training.measures import Measures


def of_ones_own(folder: Path, x: np.ndarray, y: np.ndarray) -> None:
    data = assert_type(wg.load("digits"), wg.Data)
    assert_type(wg.load("table.csv", target="price", task="numbers", drop=["id"]), wg.Data)
    assert_type(wg.from_arrays(x, y, validation=0.2, standardize=True), wg.Data)
    network = wg.Network.create([64, 32, 10], activation="relu", dropout=0.1, seed=0)
    assert_type(network, wg.Network)
    assert_type(network.layers, tuple[str, ...])
    assert_type(network.sizes, tuple[int, ...])

    run = wg.train(
        network,
        data,
        out=folder,
        loss="auto",
        optimizer="adamw",
        learning_rate=1e-3,
        schedule="cosine",
        warmup=10,
        batch_size=64,
        epochs=20,
        record_every=10,
        seed=0,
        momentum=0.9,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-8,
        l1=0.0,
        l2=0.0,
        weight_decay=0.01,
        clip_norm=None,
        patience=5,
        class_weight=[1.0, 2.0],
        maximize=False,
        shuffle="together",
        reduction="mean",
    )
    assert_type(run, wg.Run)
    assert_type(wg.train(network, (x, y), epochs=5), wg.Run)
    assert_type(wg.resume(folder), wg.Run)
    assert_type(wg.open_run(folder), wg.Run)
    assert_type(run.network, wg.Network)
    assert_type(run.network_at(10), wg.Network)
    assert_type(run.steps, int)
    assert_type(run.evaluate(), dict[str, float])
    measures = assert_type(run.measures("train", step=10, weighted=True), Measures)
    assert_type(measures.values["accuracy"], float)
    assert_type(measures.to_dict(), dict[str, Any])
    assert_type(run.claims(x), np.ndarray)
    assert_type(run.predict_proba(x), np.ndarray)
    assert_type(run.predict(x), np.ndarray | list[tuple[str, ...]])
    assert_type(run.check(), Checked)
    assert_type(run.report(), Path)

    ledger = assert_type(run.why("hidden1.weight[5, 3]", step=20, sample=0), Ledger)
    assert_type(ledger.gradient, float)
    assert_type(ledger.to_dict(), dict[str, Any])
    diagnosis = assert_type(run.doctor(verify=True, budget=30.0), Diagnosis)
    assert_type(diagnosis.findings[0].kind, str)
    assert_type(diagnosis.is_healthy, bool)
    assert_type(wg.diagnose(network, data, epochs=5, verify=True), Diagnosis)

    settings = wg.Settings(epochs=5)
    assert_type(settings.batch_size, int)
    assert_type(wg.train_together([network, network], data, settings), Batched)
    assert_type(wg.train_together([network], data, epochs=5, learning_rates=[0.1]), Batched)


def of_the_chain_rule(network: wg.Network, x: np.ndarray, y: np.ndarray) -> None:
    trace = assert_type(wg.forward(network, x), wg.Trace)
    anatomy = assert_type(wg.backward(network, trace, y, loss="squared"), wg.Anatomy)
    assert_type(wg.factors(anatomy["hidden1"]), LayerFactors)
    assert_type(wg.clones(network), dict[str, list[tuple[int, ...]]])
    assert_type(wg.effective_width(network), dict[str, int])


def of_others(run: wg.Run, folder: Path, estimator: object) -> None:
    assert_type(run.export(format="onnx"), Exported)
    assert_type(wg.export(run, folder / "model.onnx"), Exported)
    assert_type(wg.to_torch(run.network), nn.Sequential)
    assert_type(wg.from_torch(nn.Sequential(nn.Linear(4, 2))), wg.Network)
    assert_type(wg.from_sklearn(estimator), wg.Network)
    assert_type(wg.from_keras(estimator), wg.Network)
    assert_type(wg.from_flax({}, activation="relu"), wg.Network)
    assert_type(wg.from_safetensors(folder / "model.safetensors").network, wg.Network)
    for tracker in (wg.TensorBoard(folder), wg.WandB("project"), wg.MLflow("experiment")):
        assert_type(tracker, Tracker)
        assert_type(wg.log(run, to=tracker), Logged)


def of_watching(model: nn.Module, folder: Path) -> None:
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with wg.watch(
        model,
        every=10,
        out=folder,
        optimizer=optimizer,
        explain=["encoder"],
        log=wg.TensorBoard(folder),
        uncompiled=False,
    ) as watch:
        assert_type(watch, Watch)
    run = assert_type(watch.run, wg.WatchedRun)
    assert_type(run.whole_steps, list[int])
    assert_type(run.why("encoder.weight[5, 3]"), Ledger)
    assert_type(run.doctor(), Diagnosis)
    assert_type(wg.watch_lightning(every=10, out=folder), LightningWatch)
    assert_type(wg.watch_trainer(every=10, out=folder).run, wg.Run)
    assert_type(wg.watch_trainer(explain=["encoder"]), TrainerWatch)


def of_estimators(x: np.ndarray, y: np.ndarray) -> None:
    classifier = wg.MLPClassifier((32,), activation="gelu", max_iter=50, class_weight={0: 2.0})
    assert_type(classifier.fit(x, y, X_val=x, y_val=y), wg.MLPClassifier)
    assert_type(classifier.partial_fit(x, y, classes=[0, 1]), wg.MLPClassifier)
    assert_type(classifier.predict(x), np.ndarray)
    assert_type(classifier.predict_proba(x), np.ndarray)
    assert_type(classifier.score(x, y), float)
    assert_type(classifier.classes_, np.ndarray)
    assert_type(classifier.coefs_, list[np.ndarray])
    assert_type(classifier.run_, wg.Run)
    regressor = wg.MLPRegressor("huber", 32, random_state=0, early_stopping=True, record_every=10)
    assert_type(regressor.fit(x, y).predict(x), np.ndarray)
    assert_type(regressor.loss_curve_, list[float])


def of_the_lab(folder: Path) -> None:
    page = assert_type(wg.lab("neuron", lang="zh", out=folder / "lab.html"), Lab)
    assert_type(page.write(folder / "other.html").path, Path | None)
    run = wg.open_run(folder)
    assert_type(wg.lab(run, lang="en"), Lab)
    assert_type(run.lab(folder / "run.html"), Lab)


def of_lessons() -> None:
    experiment = assert_type(wg.lessons.symmetry(constant=0.5, activation="tanh"), Experiment)
    result = assert_type(experiment.run(), Result)
    assert_type(result.holds, bool)
    for lesson in (
        wg.lessons.chain,
        wg.lessons.flat,
        wg.lessons.silence,
        wg.lessons.responsibility,
        wg.lessons.constant,
        wg.lessons.zeros,
        wg.lessons.depth,
        wg.lessons.detectors,
        wg.lessons.biases,
        wg.lessons.broadcast,
        wg.lessons.outer,
        wg.lessons.starts,
        wg.lessons.parallel,
    ):
        assert_type(lesson().run().holds, bool)


def of_errors(network: wg.Network, model: nn.Module) -> str:
    """What is wrong is found before it runs; ``--strict`` says where an ignored error is none."""
    wg.train(network, "digits", epochz=3)  # type: ignore[call-arg]
    wg.train(network, "digits", epochs="3")  # type: ignore[arg-type]
    wg.diagnose(network, "digits", learning_rat=0.1)  # type: ignore[call-arg]
    wg.train_together([network], wg.load("digits"), epochz=3)  # type: ignore[call-arg]
    wg.watch(model, evry=10)  # type: ignore[call-arg]
    wg.watch_lightning(evry=10)  # type: ignore[call-arg]
    wg.Network.create([2, 1], activations="relu", sed=0)  # type: ignore[call-arg]
    wg.MLPClassifier(max_itr=3)  # type: ignore[call-arg]
    wg.lessons.symetry()  # type: ignore[attr-defined]
    wg.trian()  # type: ignore[attr-defined]
    try:
        wg.train(wg.Network.create([2, 1]), "digits")
    except wg.WhygradError as error:
        return str(error)
    return ""
