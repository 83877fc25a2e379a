"""The top of a report: what was trained, on what, in a few facts."""

from math import prod

from whygrad.render.report.material import Material
from whygrad.words.markup import Child, Markup, element, joined, said


def title(material: Material) -> Markup:
    """Return the name of the run, and what is known of the network and its data."""
    is_watched = "model" in material.description
    line = network_line(material)
    return element(
        "div",
        element("p", said("report.watched.title" if is_watched else "report.title"), class_="kind"),
        element("h1", material.name),
        element("p", line, class_="network") if line else None,
        facts(material),
    )


def network_line(material: Material) -> str | None:
    """Return a chain of dense layers as a line: sizes, and the activations of its layers."""
    network = material.description.get("network")
    if network is None:
        return None
    line = " → ".join(map(str, network["sizes"]))
    *hidden, last = network["activations"]
    inner = ", ".join(hidden[:1] if len(set(hidden)) == 1 else hidden)
    return f"{line} ({', '.join(part for part in (inner, last) if part)})"


def facts(material: Material) -> Markup:
    """Return what was trained on what, as a list of terms and values."""
    description = material.description
    data = description.get("data")
    known: dict[str, Child] = {"model": description.get("model")}
    if data is not None:
        known["data"] = joined(data["name"], " · ", said(f"report.task.{data['task']}"))
        counts = {name: int(count) for name, count in data["samples"].items()}
        known["samples"] = said("report.samples", **counts)
    known["parameters"] = number_of_parameters(material)
    if "model" in description:  # which of its layers could be told apart
        known["layers"] = str(len(material.layers))
    if "settings" in description:
        known["loss_name"] = description["settings"]["loss"]
    known["device"] = description.get("device")
    pairs = [
        element("div", element("dt", said(f"report.fact.{name}")), element("dd", value))
        for name, value in known.items()
        if value
    ]
    return element("dl", pairs)


def number_of_parameters(material: Material) -> str:
    """Return how many weights and biases there are."""
    specs = material.layers.values()
    counted = sum(prod(spec.shape) + spec.n_out * (spec.bias is not None) for spec in specs)
    return str(material.description.get("parameters", counted))
