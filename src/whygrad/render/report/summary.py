"""What was trained, how it ended, and how the layers are."""

from collections.abc import Iterator
from contextlib import suppress
from math import prod
from typing import Any

import numpy as np

from whygrad.errors import WhygradError
from whygrad.record.coverage import Coverage
from whygrad.record.description import told_steps, words_of_overhead
from whygrad.record.fields import FACTORS
from whygrad.record.layers import LayerSpec
from whygrad.record.loss import told_loss
from whygrad.render.page.layout import note, table
from whygrad.render.report.material import Material
from whygrad.render.report.section import Section, nameless
from whygrad.words import catalogue, number, t
from whygrad.words.markup import Child, Markup, both, element, joined, said

SIGNS = {"well": "●", "worth_a_look": "▲", "ill": "✕"}
MEASURES = ("loss", "accuracy", "r2")
ABOUT = ("kind", "key", "message")  # of an error as data; the rest are its values
COLUMNS = ("layer", "kind", "shape", "activation")  # what each layer is
SHOWN = (*FACTORS, "open")  # of its median neuron at the last recorded step


def title(material: Material) -> Markup:
    """Return the name of the run, and what is known of the network and its data."""
    is_watched = "model" in material.description
    line = network_line(material)
    return element(
        "div",
        element("p", said("report.watched.title" if is_watched else "report.title"), class_="kind"),
        element("h1", material.name),
        element("p", line, class_="network") if line else None,
        facts(material),
        _in_lab(material),
    )


def _in_lab(material: Material) -> Markup | None:
    """Return the link to the whole run in the lab, and what file that is."""
    links = material.links
    if links is None:
        return None
    link = links.to(said("report.lab.walk"), step=None)
    return element("p", link, " ", said("page.lab_beside", file=links.file), class_="in-lab")


def network_line(material: Material) -> str | None:
    """Return a chain of dense layers as a line: sizes, and the activations of its layers."""
    network = material.description.get("network")
    if network is None:
        return None
    line = " → ".join(map(str, network["sizes"]))
    *hidden, last = network["activations"]
    inner = ", ".join(hidden[:1] if len(set(hidden)) == 1 else hidden)
    return f"{line} ({', '.join(part for part in (inner, last) if part)})"


def facts(material: Material) -> Markup:
    """Return what was trained on what, as a list of terms and values."""
    description = material.description
    data = description.get("data")
    known: dict[str, Child] = {"model": description.get("model")}
    if data is not None:
        known["data"] = joined(data["name"], " · ", said(f"report.task.{data['task']}"))
        counts = {name: int(count) for name, count in data["samples"].items()}
        known["samples"] = said("report.samples", **counts)
    specs = material.layers.values()
    counted = sum(prod(spec.shape) + spec.n_out * (spec.bias is not None) for spec in specs)
    known["parameters"] = str(description.get("parameters", counted))
    if "model" in description:  # which of its layers could be told apart
        known["layers"] = str(len(material.layers))
    if "settings" in description:
        known["loss_name"] = description["settings"]["loss"]
    known["device"] = description.get("device")
    pairs = [
        element("div", element("dt", said(f"report.fact.{name}")), element("dd", value))
        for name, value in known.items()
        if value
    ]
    return element("dl", pairs)


def section(material: Material) -> Section:
    """Return how training ended, and what is known of the network that it led to."""
    parts: list[Child] = [ending(material)]
    if material.facts and told_loss(material.run) is not None:
        parts.append(element("p", both(lambda: told_loss(material.run) or "")))
    overhead = material.description.get("overhead")
    if overhead:
        told = both(lambda: t("report.watched.overhead", **words_of_overhead(overhead)))
        parts.append(element("p", told))
    parts.append(measures(material))
    health = material.health
    if health is not None:
        verdicts = []
        for layer in health.layers:
            name = [element("b", layer.layer), " "]
            if layer.severity != "well":  # a verdict that a layer is well says so itself
                words = said(f"report.severity.{layer.severity}")
                name.append(element("span", words, class_="severity"))
            sign = element("span", SIGNS[layer.severity], class_=f"sign {layer.severity}")
            words = element("span", _sentence(*layer.verdict))
            verdicts.append(element("li", sign, element("span", name), words))
        parts += [element("h3", said("health.title")), element("p", _sentence(*health.sentence))]
        parts.append(element("ul", verdicts, class_="health"))
    meaning = "meaning" if material.has_network else "meaning.recorded"
    return Section("summary", joined(parts), meaning)


def ending(material: Material) -> Markup:
    """Return how many steps were taken, of how many, and why it was no more."""
    description, run = material.description, material.run
    total = run.producer.limit_of(description)
    if total is None:  # nobody knows how many there were to be
        counts = {"steps": run.steps, "recorded": len(material.history)}
        line = both(lambda: told_steps(description, **counts))
    else:
        steps, state = description.get("steps", run.steps), description["state"]
        if state == "finished" and steps < total:
            state = "early"
        epochs = steps * description["settings"]["epochs"] // total
        line = said(f"report.state.{state}", steps=steps, total=total, epochs=epochs)
    failure = description.get("failure")
    why = element("p", both(lambda: _told(failure)), class_="note ill") if failure else None
    return joined(element("p", line, class_="lead"), why)


def _told(failure: dict[str, Any]) -> str:
    """Return in the language in use what the run's file says of its failure."""
    values = nameless({name: value for name, value in failure.items() if name not in ABOUT})
    if failure.get("key") in catalogue("en"):
        with suppress(KeyError):  # of another version, or not written by a run
            return str(WhygradError(failure["key"], **values))
    return str(failure.get("message", ""))


def measures(material: Material) -> Markup | None:
    """Return loss and measures by part of the data, where they were taken."""
    result = material.description.get("result")
    if not result:
        return None
    names = [name for name in MEASURES if any(name in measures for measures in result.values())]
    head = [said("report.word.part"), *(said(f"report.word.{name}") for name in names)]
    rows = []
    for part, measures in result.items():
        values = [measures.get(name) for name in names]
        shown = ["" if value is None else number(value) for value in values]
        rows.append([said(f"report.part.{part}"), *shown])
    return table(head, rows, class_="measures")


def _sentence(key: str, values: dict[str, Any]) -> Markup:
    return both(lambda: t(key, **values))


def layers(material: Material) -> Section:
    """Return the table of the layers, and which modules of a model are none of them."""
    head = [said(f"report.column.{name}") for name in COLUMNS]
    head += [said(f"factor.{name}") for name in FACTORS] + [said("report.column.open")]
    rows = []
    for name, spec in material.layers.items():
        standing = [""] * len(SHOWN)
        record = material.records.get(name)
        if record is not None:
            last = [record.field(field)[-1] for field in SHOWN]
            standing = [number(float(np.median(values)), 3) for values in last]
        rows.append([element("code", name), *described(spec), *standing])
    is_watched = "model" in material.description
    told = _covered(material.run.coverage()) if is_watched else ()
    return Section("layers", joined(*told, table(head, rows)))


def _covered(coverage: Coverage) -> Iterator[Markup]:
    """Yield how much of a model is taken apart, and why the rest is not."""
    yield note(both(lambda: coverage.text))
    for name, (key, told) in coverage.reasons.items():
        yield note(joined(element("code", name), " ", said(key, **told)))


def described(spec: LayerSpec) -> tuple[Markup | str, ...]:
    """Return kind, shape and activation of a layer."""
    shape = " × ".join(map(str, spec.shape))
    return said(f"watched.kind.{spec.kind}"), shape, spec.activation
