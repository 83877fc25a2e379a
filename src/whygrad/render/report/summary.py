"""What was trained, how it ended, and how the layers are."""

from contextlib import suppress
from typing import Any

from whygrad.doctor.health import LayerHealth
from whygrad.errors import WhygradError
from whygrad.render.page.layout import table
from whygrad.render.report.material import Material
from whygrad.render.report.places import nameless
from whygrad.render.report.section import Section
from whygrad.words import catalogue, number, t
from whygrad.words.markup import Markup, both, element, joined, said

SIGNS = {"well": "●", "worth_a_look": "▲", "ill": "✕"}
MEASURES = ("loss", "accuracy", "r2")
ABOUT = ("kind", "key", "message")  # of an error as data; the rest are its values


def section(material: Material) -> Section:
    """Return the summary of the run."""
    return Section("summary", joined(_ending(material), _measures(material), _health(material)))


def facts(material: Material) -> Markup:
    """Return what was trained on what, as a list of terms and values."""
    description = material.description
    data = description["data"]
    rows = {
        "data": joined(data["name"], " · ", said(f"report.task.{data['task']}")),
        "samples": said("report.samples", **_samples(material)),
        "parameters": number_of_parameters(material),
        "loss_name": material.run.task.settings.loss,
        "device": description.get("device", ""),
    }
    pairs = [
        element("div", element("dt", said(f"report.fact.{name}")), element("dd", value))
        for name, value in rows.items()
    ]
    return element("dl", pairs)


def network_line(material: Material) -> str:
    """Return the network as a line: sizes, and the activations of its layers."""
    network = material.description["network"]
    line = " → ".join(map(str, network["sizes"]))
    *hidden, last = network["activations"]
    inner = ", ".join(hidden[:1] if len(set(hidden)) == 1 else hidden)
    return f"{line} ({', '.join(part for part in (inner, last) if part)})"


def number_of_parameters(material: Material) -> str:
    """Return how many weights and biases there are."""
    layers = material.run.skeleton.dense
    counts = (dense.n_in * dense.n_out + dense.n_out * (dense.bias is not None) for dense in layers)
    return str(sum(counts))


def _samples(material: Material) -> dict[str, int]:
    return {name: int(count) for name, count in material.description["data"]["samples"].items()}


def _ending(material: Material) -> Markup:
    description, task = material.description, material.run.task
    steps = description.get("steps", material.run.steps)
    state = description["state"]
    if state == "finished" and steps < task.total_steps:
        state = "early"
    epochs = steps // task.steps_per_epoch
    line = said(f"report.state.{state}", steps=steps, total=task.total_steps, epochs=epochs)
    return joined(element("p", line, class_="lead"), _failure(description.get("failure")))


def _failure(failure: dict[str, Any] | None) -> Markup | None:
    if not failure:
        return None
    return element("p", both(lambda: _told(failure)), class_="note ill")


def _told(failure: dict[str, Any]) -> str:
    """Return in the language in use what the run's file says of its failure."""
    values = nameless({name: value for name, value in failure.items() if name not in ABOUT})
    if failure.get("key") in catalogue("en"):
        with suppress(KeyError):  # of another version, or not written by a run
            return str(WhygradError(failure["key"], **values))
    return str(failure.get("message", ""))


def _measures(material: Material) -> Markup | None:
    result = material.description.get("result")
    if not result:
        return None
    names = [name for name in MEASURES if any(name in measures for measures in result.values())]
    head = [said("report.word.part"), *(said(f"report.word.{name}") for name in names)]
    rows = [
        [said(f"report.part.{part}"), *(_measured(measures.get(name)) for name in names)]
        for part, measures in result.items()
    ]
    return table(head, rows, class_="measures")


def _measured(value: float | None) -> str:
    return "" if value is None else number(value)


def _health(material: Material) -> Markup:
    key, values = material.health.sentence
    items = [_layer(layer) for layer in material.health.layers]
    title = element("h3", said("health.title"))
    return joined(
        title, element("p", both(lambda: t(key, **values))), element("ul", items, class_="health")
    )


def _layer(layer: LayerHealth) -> Markup:
    key, values = layer.verdict
    mark = element("span", SIGNS[layer.severity], class_=f"sign {layer.severity}")
    judged = element("b", layer.layer), " ", _severity(layer.severity)
    verdict = element("span", both(lambda: t(key, **values)))
    return element("li", mark, element("span", *judged), verdict)


def _severity(severity: str) -> Markup | None:
    """Return the judgement as a word; a verdict that a layer is well says so itself."""
    if severity == "well":
        return None
    return element("span", said(f"report.severity.{severity}"), class_="severity")
