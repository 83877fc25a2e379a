"""A diagnosis as HTML: in a report, and as a fragment for a notebook."""

from typing import TYPE_CHECKING

from whygrad.doctor.rendering import heading_of_notes, verdict, where_and_when
from whygrad.doctor.wording import in_short, line_to_change, name_of, remedy_sentence, sentence
from whygrad.words import language, t
from whygrad.words.markup import (
    TAGS,
    Markup,
    both,
    element,
    in_one_language,
    joined,
    said,
)

if TYPE_CHECKING:
    from whygrad.doctor.diagnosis import Diagnosis
    from whygrad.doctor.finding import Finding

REMEDIES = 2
STYLE = """
.whygrad-diagnosis{line-height:1.5;max-width:46rem}
.whygrad-diagnosis :is(p,ul){margin:.3em 0}
.whygrad-diagnosis .lead{font-size:1.1em}
.whygrad-diagnosis h3{font-size:1em;font-weight:600;margin:1em 0 .3em}
.whygrad-diagnosis .meaning{font-size:.9em;opacity:.8}
.whygrad-diagnosis code{background:none;color:inherit;overflow-wrap:anywhere}
"""


def as_html(diagnosis: "Diagnosis") -> str:
    """Return a diagnosis as a fragment with its style, in the language in use."""
    with in_one_language():
        parts = [lead(diagnosis), [block(found) for found in diagnosis.findings], notes(diagnosis)]
        body = element("div", parts, class_="whygrad-diagnosis", lang=TAGS[language()])
    return joined(element("style", Markup(STYLE)), body)


def lead(diagnosis: "Diagnosis") -> Markup:
    """Return whether the network learns, in a sentence or two."""
    return element("p", both(lambda: verdict(diagnosis)), class_="lead")


def block(found: "Finding") -> Markup:
    """Return a finding: its name, what it says, where and when, and what to change."""
    component = joined(" — ", said(f"doctor.component.{found.component}"))
    return joined(
        element("h3", both(lambda: name_of(found)), component if found.can_be_tried else None),
        element("p", both(lambda: sentence(found))),
        element("p", both(lambda: where_and_when(found)), class_="meaning"),
        _change(found),
    )


def notes(diagnosis: "Diagnosis") -> Markup | None:
    """Return what is odd and harmless."""
    if not diagnosis.notes:
        return None
    odd = [element("li", both(lambda one=one: in_short(one))) for one in diagnosis.notes]
    return joined(
        element("p", said(heading_of_notes(diagnosis)), class_="note"), element("ul", odd)
    )


def _change(found: "Finding") -> Markup | None:
    """Return what may help: a change of the set-up, or of a line of the program."""
    if not found.can_be_tried:
        key = "doctor.watched.change"
        return element("p", both(lambda: _with_code(t(key, line=line_to_change(found)))))
    remedies = [
        element("li", both(lambda remedy=remedy: remedy_sentence(remedy)))
        for remedy in found.remedies[:REMEDIES]
    ]
    return element("ul", remedies) if remedies else None


def _with_code(words: str) -> Markup:
    """Return words in which what stands between backticks is marked as code."""
    parts = words.split("`")
    return joined(element("code", part) if at % 2 else part for at, part in enumerate(parts))
