"""What a report opens with: what in the run most deserves a look."""

from whygrad.explain.looking import LEAST, Look, worth_a_look
from whygrad.record.address import Address
from whygrad.render.page.layout import note
from whygrad.render.report.in_lab import LabLinks, hash_of, in_lab
from whygrad.render.report.material import Material
from whygrad.render.report.section import Section, unrecorded
from whygrad.words.markup import Markup, both, element, said


def section(material: Material) -> Section | None:
    """Return the neurons, layers and steps that are unlike their peers."""
    if not material.records:
        return unrecorded("looks", material)
    looks = worth_a_look(material.run)
    if not looks:
        return Section("looks", note(said("look.none", least=LEAST)))
    return Section("looks", element("ul", [_told(look, material) for look in looks]))


def _told(look: Look, material: Material) -> Markup:
    sentence = element("p", both(lambda: look.text))
    return element("li", sentence, _in_lab(look, material, material.links))


def _in_lab(look: Look, material: Material, links: LabLinks | None) -> Markup | None:
    if links is None:
        return None
    place = Address.parse(look.address, material.layers)
    words = said("report.lab.place", place=look.address, step=look.step)
    return in_lab([links.to(words, step=look.step, whole=False, **hash_of(place))])
