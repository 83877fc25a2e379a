"""Everything that the run was made from, and how to make it again."""

from typing import Any

from whygrad.render.page.layout import behind, table
from whygrad.render.report.material import Material
from whygrad.render.report.section import Section, nameless
from whygrad.settings import Settings
from whygrad.words.markup import element, joined, said


def section(material: Material) -> Section | None:
    """Return the configuration as tables, and the lines that repeat the run."""
    if not material.has_network:
        return None
    default = Settings().to_dict()
    settings = []
    for name, value in material.run.settings.to_dict().items():
        shown = element("b", written(value)) if value != default[name] else written(value)
        settings.append([element("code", name), shown, written(default[name])])
    head = [said(f"report.word.{word}") for word in ("setting", "value", "default")]
    parts = [
        element("h3", said("report.repeat.title")),
        element("p", said("report.repeat.meaning")),
        element("pre", element("code", again(material)), tabindex="0"),
        element("h3", said("report.settings.title")),
        element("p", said("report.settings.meaning")),
        table(head, settings, class_="settings"),
    ]
    head = [said("report.word.name"), said("report.word.value")]
    for origin, known in origins(material).items():
        rows = [[element("code", name), written(value)] for name, value in known.items()]
        parts.append(behind(said(f"report.origin.{origin}"), table(head, rows)))
    return Section("configuration", joined(parts))


def again(material: Material) -> str:
    """Return Python lines that train the same run again, from the same start and data."""
    return "\n".join(
        [
            "import whygrad as wg",
            "",
            f"run = wg.open_run({material.name!r})",
            "start = run.checkpoint(0).state.network",
            "again = wg.train(start, run.data, **run.settings.to_dict())",
        ]
    )


def origins(material: Material) -> dict[str, dict[str, Any]]:
    """Return what the run says of network, data, origin and versions, by name."""
    description = material.description
    data = dict(description["data"]) | {"source": material.run.data.source}
    made = {"created": description.get("created"), "device": description.get("device")}
    found = {
        "network": description["network"],
        "data": data,
        "asked": description.get("origin"),
        "versions": dict(description.get("versions", {})) | made,
    }
    return {name: nameless(rows) for name, rows in found.items() if rows}


def written(value: Any) -> str:
    """Return a value of the configuration as it is written in a table."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return repr(value)  # all its digits, since this is to be done again
    if isinstance(value, dict):
        return "; ".join(f"{key}: {written(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(written(one) for one in value)
    return str(value)
