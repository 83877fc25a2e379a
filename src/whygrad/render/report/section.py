"""A section of a report."""

from dataclasses import dataclass

from whygrad.render.page.layout import note
from whygrad.render.report.material import Material
from whygrad.words.markup import Markup, element, said


@dataclass(frozen=True)
class Section:
    """One section of the page.

    Attributes:
        name: its anchor; ``report.<name>.title`` is its heading.
        body: what stands below.
        meaning: ``report.<name>.<meaning>`` is the sentence under the heading.
    """

    name: str
    body: Markup
    meaning: str = "meaning"

    @property
    def title(self) -> Markup:
        return said(f"report.{self.name}.title")

    def html(self) -> Markup:
        head = element(
            "header",
            element("h2", self.title, id=f"{self.name}-title"),
            element("p", said(f"report.{self.name}.{self.meaning}")),
        )
        labelled = f"{self.name}-title"
        body = element("div", self.body, class_="body")
        return element("section", head, body, id=self.name, aria_labelledby=labelled)


def unrecorded(name: str, material: Material) -> Section | None:
    """Return how neurons are recorded the next time, where it is a setting of the run."""
    if not material.has_network:
        return None
    return Section(name, note(said("report.nothing_recorded")))
