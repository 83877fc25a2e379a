"""A section of a report."""

from dataclasses import dataclass

from whygrad.words.markup import Markup, element, said


@dataclass(frozen=True)
class Section:
    """One section of the page.

    Attributes:
        name: its anchor; ``report.<name>.title`` is its heading, ``report.<name>.meaning`` the
            sentence under it.
        body: what stands below.
    """

    name: str
    body: Markup

    @property
    def title(self) -> Markup:
        return said(f"report.{self.name}.title")

    def html(self) -> Markup:
        head = element(
            "header",
            element("h2", self.title, id=f"{self.name}-title"),
            element("p", said(f"report.{self.name}.meaning")),
        )
        labelled = f"{self.name}-title"
        body = element("div", self.body, class_="body")
        return element("section", head, body, id=self.name, aria_labelledby=labelled)
