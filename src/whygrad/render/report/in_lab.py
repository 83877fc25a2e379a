"""Where a report leads into the lab over its run: to a step, and there to a layer, a neuron, …"""

from dataclasses import dataclass, field

from whygrad.record.address import Address
from whygrad.render.page.lab_links import lab_link
from whygrad.words.markup import Child, Markup, element, joined, said

ROOM = "recorded"


@dataclass
class LabLinks:
    """The links of a report into the lab beside it.

    Attributes:
        file: name of the lab's file.
        steps: every step that a link leads to, and whether the lab should hold it whole. The lab
            is written behind the report, and stops at these.
    """

    file: str
    steps: dict[int, bool] = field(default_factory=dict)

    def to(self, words: Child, *, step: int | None, whole: bool = False, **place: object) -> Markup:
        """Return a link.

        Args:
            step: None where it is not known; the lab opens with its last whole step then.
            whole: whether samples and weights are to be seen there.
            place: ``layer``, which is "" for the network alone, ``neuron``, ``weight``, ``sample``.
        """
        at = {} if step is None else {"at": step}
        if step is not None:
            self.steps[step] = self.steps.get(step, False) or whole
        return lab_link(self.file, words, {"room": ROOM, **at, **place})

    def to_step(self, step: int) -> Markup:
        """Return a link from the number of a step to the network at it."""
        return self.to(str(step), step=step, layer="")

    def to_place(self, place: Address, step: int | None, words: Child = None) -> Markup:
        """Return a link to what an address names, held whole.

        Args:
            words: default: the address, and the step where it is known.
        """
        return self.to(words or _told(str(place), step), step=step, whole=True, **hash_of(place))


def hash_of(place: Address) -> dict[str, object]:
    """Return what an address names, as the address of the lab has it."""
    found: dict[str, object] = {"layer": place.layer}
    if place.neuron is not None:
        found["neuron"] = place.neuron
    if place.parameter is not None:
        found["weight"] = "bias" if place.parameter == "bias" else place.input
    return found


def in_lab(links: list[Markup]) -> Markup:
    """Return links as a line of their own."""
    label = element("span", said("page.in_lab"), class_="label")
    return element("p", label, [joined(" ", link) for link in links], class_="in-lab")


def _told(place: str, step: int | None) -> Child:
    return place if step is None else said("report.lab.place", place=place, step=step)
