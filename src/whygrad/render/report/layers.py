"""The layers: what each is, and where its median neuron stands at the last recorded step."""

import numpy as np

from whygrad.record.fields import FACTORS
from whygrad.record.layers import LayerSpec
from whygrad.render.page.layout import note, table
from whygrad.render.report.material import Material, Record
from whygrad.render.report.section import Section
from whygrad.words import number
from whygrad.words.markup import Markup, element, joined, said

SHOWN = (*FACTORS, "open")


def section(material: Material) -> Section:
    """Return the table of the layers, and which modules of a model are none of them."""
    names = ("layer", "kind", "shape", "activation")
    head = [said(f"report.column.{name}") for name in names]
    head += [said(f"factor.{name}") for name in FACTORS] + [said("report.column.open")]
    rows = [
        [element("code", name), *described(spec), *_standing(material.records.get(name))]
        for name, spec in material.layers.items()
    ]
    return Section("layers", joined(_uncovered(material), table(head, rows)))


def described(spec: LayerSpec) -> tuple[Markup | str, ...]:
    """Return kind, shape and activation of a layer."""
    shape = " × ".join(map(str, spec.shape))
    return said(f"watched.kind.{spec.kind}"), shape, spec.activation


def _standing(record: Record | None) -> list[str]:
    if record is None:
        return [""] * len(SHOWN)
    return [number(float(np.median(record.field(name)[-1])), 3) for name in SHOWN]


def _uncovered(material: Material) -> Markup | None:
    """Name the modules of a watched model that could not be taken apart."""
    names = sorted({name for facts in material.facts for name in facts.get("uncovered", [])})
    return note(said("report.watched.uncovered", names=", ".join(names))) if names else None
