"""What was trained, how it ended, and how the layers are."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from whygrad.errors import WhygradError
from whygrad.record.description import words_of_overhead
from whygrad.record.loss import told_loss
from whygrad.render.page.layout import table
from whygrad.render.report.material import Material
from whygrad.render.report.places import nameless
from whygrad.render.report.section import Section
from whygrad.words import catalogue, number, t
from whygrad.words.markup import Markup, both, element, joined, said

if TYPE_CHECKING:
    from whygrad.doctor.health import LayerHealth

SIGNS = {"well": "●", "worth_a_look": "▲", "ill": "✕"}
MEASURES = ("loss", "accuracy", "r2")
ABOUT = ("kind", "key", "message")  # of an error as data; the rest are its values


def section(material: Material) -> Section:
    """Return how training ended, and what is known of the network that it led to."""
    parts = (ending, _loss, _overhead, measures, _health)
    meaning = "meaning" if material.has_network else "meaning.recorded"
    return Section("summary", joined(part(material) for part in parts), meaning)


def ending(material: Material) -> Markup:
    """Return how many steps were taken, of how many, and why it was no more."""
    description, run = material.description, material.run
    total = run.producer.limit_of(description)
    if total is None:  # nobody knows how many there were to be
        counts = {"steps": run.steps, "recorded": len(material.history)}
        line = said("report.watched.lead", every=description["every"], **counts)
    else:
        steps, state = description.get("steps", run.steps), description["state"]
        if state == "finished" and steps < total:
            state = "early"
        epochs = steps * description["settings"]["epochs"] // total
        line = said(f"report.state.{state}", steps=steps, total=total, epochs=epochs)
    return joined(element("p", line, class_="lead"), _failure(description.get("failure")))


def _loss(material: Material) -> Markup | None:
    """Say what the last loss was made of, where the record tells it."""
    if not material.facts or told_loss(material.run) is None:
        return None
    return element("p", both(lambda: told_loss(material.run) or ""))


def _overhead(material: Material) -> Markup | None:
    overhead = material.description.get("overhead")
    if not overhead:
        return None
    return element("p", said("report.watched.overhead", **words_of_overhead(overhead)))


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


def measures(material: Material) -> Markup | None:
    """Return loss and measures by part of the data, where they were taken."""
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


def _health(material: Material) -> Markup | None:
    health = material.health
    if health is None:
        return None
    key, values = health.sentence
    items = [_layer(layer) for layer in health.layers]
    title = element("h3", said("health.title"))
    return joined(
        title, element("p", both(lambda: t(key, **values))), element("ul", items, class_="health")
    )


def _layer(layer: "LayerHealth") -> Markup:
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
