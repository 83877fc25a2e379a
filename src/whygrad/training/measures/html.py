"""Measures in a notebook: a fragment of HTML that brings its own style."""

from whygrad.training.measures import phrases
from whygrad.training.measures.measured import Measures
from whygrad.words import language, number, t
from whygrad.words.markup import TAGS, Child, Markup, element, in_one_language, joined

MATRIX = 30  # classes up to which the whole confusion matrix is shown
STYLE = """
.whygrad-measures{line-height:1.5;max-width:46rem;font-variant-numeric:tabular-nums}
.whygrad-measures p{margin:.8em 0 .3em}
.whygrad-measures .scroll{overflow-x:auto}
.whygrad-measures table{border-collapse:collapse;background:none;font-size:inherit}
.whygrad-measures :is(th,td){padding:.25em .9em .25em 0;text-align:right;font-weight:400;border:0;
background:none;border-bottom:1px solid color-mix(in srgb,currentColor 22%,transparent)}
.whygrad-measures tr>:first-child{text-align:left;overflow-wrap:anywhere}
.whygrad-measures thead th{font-size:.85em;opacity:.8}
.whygrad-measures .matrix td{padding:.25em .7em;
background:color-mix(in srgb,var(--blue,#3b82d0) calc(var(--share)*55%),transparent)}
"""


def as_html(measures: Measures) -> str:
    """Return a fragment with its style, in the language in use."""
    with in_one_language():
        has_matrix = measures.counts is not None and len(measures.counts) <= MATRIX
        parts: list[Markup] = [as_block(phrases.overview(measures))]
        standing = phrases.standing(measures)
        parts += [] if standing is None else [element("p", standing)]
        worst = None if has_matrix else phrases.worst_confusions(measures)
        blocks = (phrases.of_each(measures), worst)
        parts += [as_block(block) for block in blocks if block is not None]
        parts += [matrix(measures)] if has_matrix else []
        last = phrases.calibration(measures)
        parts += [as_block(last)] if last is not None else []
        parts += [element("p", str(note)) for note in measures.notes]
        body = element("div", parts, class_="whygrad-measures", lang=TAGS[language()])
    return joined(element("style", Markup(STYLE)), body)


def as_block(block: phrases.Block) -> Markup:
    """Return a table with the sentence above it."""
    title = element("p", element("b", block.title))
    return joined(title, _table(block.head, [_cells(row) for row in block.rows]))


def matrix(measures: Measures) -> Markup:
    """Return the confusion matrix, each cell as dark as its share of the row's class."""
    assert measures.counts is not None
    names, rows = [one.name for one in measures.classes], []
    for name, counts in zip(names, measures.counts.tolist(), strict=True):
        total = sum(counts) or 1.0
        cells = [
            element("td", number(count), style=f"--share:{count / total:.3f}") for count in counts
        ]
        rows.append(joined(element("th", name, scope="row"), cells))
    title = element("p", element("b", t("measures.confusion.title")))
    return joined(title, _table([t("measures.confusion.true"), *names], rows, class_="matrix"))


def _cells(row: tuple[str, ...]) -> Markup:
    first, *others = row
    return joined(element("th", first, scope="row"), [element("td", cell) for cell in others])


def _table(
    head: "list[str] | tuple[str, ...]", rows: list[Markup], class_: str | None = None
) -> Markup:
    top: Child = [element("th", name, scope="col") for name in head]
    body = [element("tr", row) for row in rows]
    table = element(
        "table", element("thead", element("tr", top)), element("tbody", body), class_=class_
    )
    return element("div", table, class_="scroll")
