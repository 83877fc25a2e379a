"""A run in a notebook: what was trained, how it ended, and its layers."""

from typing import TYPE_CHECKING

from whygrad.render.page.layout import table
from whygrad.render.report.material import Material
from whygrad.render.report.section import without_folders
from whygrad.render.report.summary import (
    COLUMNS,
    described,
    ending,
    facts,
    measures,
    network_line,
)
from whygrad.words import language
from whygrad.words.markup import TAGS, Markup, element, in_one_language, joined, said

if TYPE_CHECKING:
    from whygrad.runs import Run

STYLE = """
.whygrad-run{line-height:1.5;max-width:46rem;font-variant-numeric:tabular-nums}
.whygrad-run p{margin:.3em 0}
.whygrad-run dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(12em,1fr));gap:.4em 1.5em;
margin:.6em 0}
.whygrad-run dt{font-size:.85em;opacity:.8}
.whygrad-run dd{margin:0;overflow-wrap:anywhere}
.whygrad-run .scroll{overflow-x:auto}
.whygrad-run table{border-collapse:collapse;margin:.6em 0;background:none;font-size:inherit}
.whygrad-run :is(th,td){padding:.25em .9em .25em 0;text-align:left;font-weight:400;background:none;
border:0;border-bottom:1px solid color-mix(in srgb,currentColor 22%,transparent)}
.whygrad-run thead th{font-size:.85em;opacity:.8}
"""


def as_html(run: "Run") -> str:
    """Return a fragment that brings its own style, in the language in use.

    Only ``run.json`` and the history are read.

    Raises:
        RunError: they are damaged.
    """
    material = Material(run)
    with in_one_language(), without_folders(run.path):
        head = [said(f"report.column.{name}") for name in COLUMNS]
        rows = [[name, *described(spec)] for name, spec in material.layers.items()]
        line = network_line(material)
        body = element(
            "div",
            element("p", element("b", material.name), f" · {line}" if line else None),
            facts(material),
            ending(material),
            measures(material),
            table(head, rows),
            class_="whygrad-run",
            lang=TAGS[language()],
        )
    return joined(element("style", Markup(STYLE)), body)
