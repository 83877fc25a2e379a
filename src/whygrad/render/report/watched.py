"""What the doctor says of a watched model, with the line of PyTorch to change."""

from whygrad.doctor.watched import diagnose_watched
from whygrad.doctor.watched.finding import WatchedFinding
from whygrad.doctor.watched.rendering import (
    heading,
    in_short,
    line_to_change,
    sentence,
    verdict,
    where_and_when,
)
from whygrad.errors import WhygradError
from whygrad.render.page.layout import note
from whygrad.render.report.material import Material
from whygrad.render.report.places import told
from whygrad.render.report.section import Section
from whygrad.words import t
from whygrad.words.markup import Markup, both, element, joined, said


def section(material: Material) -> Section:
    """Say what is wrong, and the line of PyTorch to change, as the doctor does."""
    try:
        said_of_it = diagnose_watched(material.run)
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
