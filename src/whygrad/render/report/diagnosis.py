"""What the doctor says of the run, from its record alone."""

import numpy as np

from whygrad.doctor import html
from whygrad.doctor.diagnosis import Diagnosis
from whygrad.doctor.finding import Finding
from whygrad.errors import WhygradError
from whygrad.record.address import Address
from whygrad.render.page.canvas import BLUE, FAINT, ORANGE, as_svg, panels, styled, whole_steps
from whygrad.render.page.layout import figure, note
from whygrad.render.report.in_lab import LabLinks, in_lab
from whygrad.render.report.material import Material
from whygrad.render.report.section import Section, noted
from whygrad.words import command_word, number
from whygrad.words.markup import Markup, joined, said

RULER, HEIGHT = 60, 140
NEURONS = 6  # of a finding that are linked to at most; its sentence names as many
OF_NEURONS = ("clones", "dead", "closed_start", "large_start", "saturating_hidden", "too_deep")


def section(material: Material) -> Section:
    """Return whether the network learns, and if not, why."""
    try:
        diagnosis = material.run.doctor()
    except WhygradError as error:
        return Section("diagnosis", noted(error))
    of_neurons = [found for found in reversed(diagnosis.findings) if found.kind in OF_NEURONS]
    drawn = list({found.layer: found for found in of_neurons}.values())  # the first of each layer
    parts = [html.lead(diagnosis), _ruler(diagnosis)]
    for found in diagnosis.findings:
        parts += [html.block(found), _in_lab(material.links, found)]
        parts.append(_neurons(material, found) if found in drawn else None)
    if any(found.can_be_tried for found in diagnosis.findings):
        parts.append(note(said("report.diagnosis.verify", path=command_word(material.name))))
    return Section("diagnosis", joined(*parts, html.notes(diagnosis)))


def _in_lab(links: LabLinks | None, found: Finding) -> Markup | None:
    """Return links to where and when a finding shows: its layer and neurons, or the network."""
    if links is None:
        return None
    if found.layer is None:
        key = "report.lab.run" if found.step is None else "report.lab.step"
        return in_lab([links.to(said(key, step=found.step), step=found.step, layer="")])
    neurons = [Address(found.layer, neuron=k) for k in found.neurons[:NEURONS]]
    of_neurons = [links.to_place(one, found.step, str(one)) for one in neurons]
    return in_lab([links.to_place(Address(found.layer), found.step), *of_neurons])


def _ruler(diagnosis: Diagnosis) -> Markup | None:
    """Draw where the network stands between knowing nothing and an ordinary model."""
    baseline = diagnosis.baseline
    if diagnosis.is_healthy or baseline is None:
        return None
    value = float(np.clip(np.median(diagnosis.measures), baseline.floor - 1, 1))
    places = {"floor": baseline.floor, "here": value, "level": baseline.level}
    colours = {"floor": FAINT, "here": ORANGE, "level": BLUE}
    with styled("ruler"):
        drawing, (axes,) = panels([RULER])
        axes.axhline(0, color=FAINT, linewidth=0.8)
        for name, place in places.items():
            axes.plot([place], [0], "o", color=colours[name], markersize=9)
        axes.set_yticks([])
        axes.set_ylim(-1, 1)
        svg = as_svg(drawing, "ruler")
    values = {name: number(place, 3) for name, place in places.items()}
    return figure("ruler", svg, said("report.diagnosis.ruler", **values))


def _neurons(material: Material, found: Finding) -> Markup | None:
    """Draw the open share of a layer's neurons over the run, where the finding is about them."""
    record = material.records.get(found.layer or "")
    if record is None or len(record.steps) < 2:
        return None
    name = f"open-{found.kind}"
    with styled(name):
        drawing, (axes,) = panels([HEIGHT])
        opened = record.field("open")
        low, high = opened.min(axis=1), opened.max(axis=1)
        axes.fill_between(record.steps, low, high, color=BLUE, alpha=0.15, linewidth=0)
        axes.plot(record.steps, np.median(opened, axis=1), color=BLUE)
        axes.set_ylim(-0.03, 1.03)
        whole_steps(axes)
        svg = as_svg(drawing, name)
    values = {"layer": record.layer, "neurons": record.neurons}
    return figure(name, svg, said("report.diagnosis.open", **values))
