"""The page of a watched model: the doctor's verdict, its curves, its factors, every neuron."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from whygrad.doctor.watched import WatchedDiagnosis, diagnose_watched
from whygrad.doctor.watched.finding import WatchedFinding
from whygrad.doctor.watched.rendering import (
    heading,
    in_short,
    line_to_change,
    sentence,
    verdict,
    where_and_when,
)
from whygrad.errors import RunError, WhygradError
from whygrad.explain import explain
from whygrad.explain.html import STYLE as LEDGER_STYLE
from whygrad.explain.html import as_body
from whygrad.record.fields import FACTORS
from whygrad.record.files import write_whole
from whygrad.record.watched import WatchedFolder, words_of_overhead
from whygrad.record.watched_loss import told_loss
from whygrad.render.page.layout import note, table
from whygrad.render.page.shell import Entry, whole_page
from whygrad.render.report import curves, heatmap, timelines
from whygrad.render.report.material import Record, Recording
from whygrad.render.report.page import stylesheet
from whygrad.render.report.places import told, without_folders
from whygrad.render.report.section import Section
from whygrad.words import number, t
from whygrad.words.markup import Markup, both, element, joined, said

MOST_LEDGERS = 4


class WatchedMaterial(Recording):
    """The run of a watched model, read for a report."""

    def __init__(self, run: WatchedFolder):
        super().__init__(run)
        self.run = run

    @cached_property
    def uncovered(self) -> list[str]:
        """The layers that could not be taken apart."""
        return sorted({name for facts in self.run.facts for name in facts.get("uncovered", [])})

    @cached_property
    def verdict(self) -> WatchedDiagnosis:
        """What the doctor says of the record."""
        return diagnose_watched(self.run)


def write_watched_report(run: WatchedFolder, out: Path) -> Path:
    """Write the run of a watched model as one self-contained HTML page and return its path.

    Raises:
        RunError: the run is damaged.
    """
    with without_folders(run.path):
        content = _page(WatchedMaterial(run)).encode()
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, content)
    return out


def _page(material: WatchedMaterial) -> str:
    sections = [part(material) for part in SECTIONS]
    return whole_page(
        f"{material.description['model']} · whygrad",
        top=_title(material),
        contents=[Entry(section.name, section.title) for section in sections],
        main=joined(section.html() for section in sections),
        footer=said("report.footer", version=material.description["versions"].get("whygrad", "")),
        style=stylesheet() + LEDGER_STYLE,
    )


def _title(material: WatchedMaterial) -> Markup:
    description = material.description
    facts = {
        "model": description["model"],
        "parameters": str(description.get("parameters", "")),
        "layers": str(len(description["layers"])),
        "device": description.get("device", ""),
    }
    pairs = [
        element("div", element("dt", said(f"report.fact.{name}")), element("dd", value))
        for name, value in facts.items()
    ]
    return element(
        "div",
        element("p", said("report.watched.title"), class_="kind"),
        element("h1", material.name),
        element("dl", pairs),
    )


def _diagnosis(material: WatchedMaterial) -> Section:
    """Say what is wrong, and the line of PyTorch to change, as the doctor does."""
    try:
        said_of_it = material.verdict
    except WhygradError as error:
        return Section("diagnosis", _in_words(error))
    parts = [element("p", both(lambda: verdict(said_of_it)), class_="lead")]
    parts += [_finding(found) for found in said_of_it.findings]
    if said_of_it.notes:
        odd = [element("li", both(lambda one=one: in_short(one))) for one in said_of_it.notes]
        parts.append(joined(note(said("torch.notes")), element("ul", odd)))
    return Section("diagnosis", joined(*parts))


def _finding(found: WatchedFinding) -> Markup:
    return joined(
        element("h3", both(lambda: heading(found.kind))),
        element("p", both(lambda: sentence(found))),
        element("p", both(lambda: _with_code(t("torch.change", line=line_to_change(found))))),
        element("p", both(lambda: where_and_when(found)), class_="meaning"),
    )


def _with_code(words: str) -> Markup:
    """Return words in which what stands between backticks is marked as code."""
    parts = words.split("`")
    return joined(element("code", part) if at % 2 else part for at, part in enumerate(parts))


def _in_words(error: WhygradError) -> Markup:
    return note(both(lambda: told(error)))


def _layers(material: WatchedMaterial) -> Section:
    names = ("layer", "kind", "shape", "activation")
    head = [said(f"report.column.{name}") for name in names]
    head += [said(f"factor.{name}") for name in FACTORS] + [said("report.column.open")]
    rows = [
        [element("code", name), *_described(layer), *_standing(material.records.get(name))]
        for name, layer in material.description["layers"].items()
    ]
    return Section("layers", joined(_lead(material), table(head, rows)))


def _described(layer: dict[str, Any]) -> tuple[Markup | str, ...]:
    shape = " × ".join(map(str, layer["shape"]))
    return said(f"watched.kind.{layer['kind']}"), shape, layer["activation"]


def _standing(record: Record | None) -> list[str]:
    if record is None:
        return [""] * (len(FACTORS) + 1)
    return [number(float(np.median(record.field(name)[-1])), 3) for name in (*FACTORS, "open")]


def _lead(material: WatchedMaterial) -> Markup:
    counts = {"steps": material.run.steps, "recorded": len(material.history)}
    every = material.description["every"]
    lines = [element("p", said("report.watched.lead", every=every, **counts), class_="lead")]
    if told_loss(material.run) is not None:
        lines.append(element("p", both(lambda: told_loss(material.run) or "")))
    overhead = material.description.get("overhead") or {}
    if overhead:
        words = words_of_overhead(overhead)
        lines.append(element("p", said("report.watched.overhead", **words)))
    if material.uncovered:
        lines.append(note(said("report.watched.uncovered", names=", ".join(material.uncovered))))
    return joined(lines)


def _ledgers(material: WatchedMaterial) -> Section:
    try:
        return Section("ledgers", joined(_ledger(material, one) for one in _telling(material)))
    except WhygradError as error:
        return Section("ledgers", _in_words(error))


@dataclass(frozen=True)
class Telling:
    """A neuron with a small factor, measured by the median neuron of its layer."""

    layer: str
    neuron: int
    step: int
    factor: str
    value: float
    ratio: float


def _telling(material: WatchedMaterial) -> list[Telling]:
    """Return, of the layers that can be explained, the neurons with the smallest factors.

    As in the report of whygrad's own runs.

    Raises:
        RunError: no step was kept whole.
    """
    kept = material.run.kept_whole()
    if not kept:
        raise RunError("error.watched_nothing", path=material.path)
    found = []
    for layer, record in material.records.items():
        shown = np.flatnonzero(np.isin(record.steps, kept.get(layer, [])))
        if record.neurons > 1 and len(shown):
            found.append(_smallest(record, int(shown[-1])))
    return sorted(found, key=lambda one: one.ratio)[:MOST_LEDGERS]


def _smallest(record: Record, at: int) -> Telling:
    values = np.stack([record.field(name)[at] for name in FACTORS]).astype(np.float64)
    medians = np.median(values, axis=1, keepdims=True)
    ratios = np.where(values == 0, 0, np.inf)
    np.divide(values, medians, out=ratios, where=medians > 0)
    factor, neuron = np.unravel_index(np.nan_to_num(ratios, nan=np.inf).argmin(), ratios.shape)
    value, ratio = float(values[factor, neuron]), float(ratios[factor, neuron])
    step = int(record.steps[at])
    return Telling(record.layer, int(neuron), step, FACTORS[factor], value, ratio)


def _ledger(material: WatchedMaterial, one: Telling) -> Markup:
    address = f"{one.layer}[{one.neuron}]"
    ledger = explain(material.run, address, step=one.step)
    key = "report.ledgers.neuron" if one.value else "report.ledgers.neuron.zero"

    def why() -> str:
        words = {"address": address, "layer": one.layer, "value": one.value, "ratio": one.ratio}
        return t(key, factor=t(f"factor.{one.factor}"), **words)

    words = element("p", both(why), class_="why")
    return element("article", words, both(lambda: as_body(ledger), name="div"))


SECTIONS = (_diagnosis, _layers, curves.section, timelines.section, heatmap.section, _ledgers)
