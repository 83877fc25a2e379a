"""``whygrad export``: a run for use elsewhere."""

from pathlib import Path

from whygrad.cli.commands import open_named
from whygrad.cli.console import show, show_json


def export_command(name: str, format: str | None, out: Path | None, as_json: bool) -> int:
    """Write a run in a format that others read, and say how it did in its trial."""
    exported = open_named(name).export(out, format=format)
    if as_json:
        show_json(exported.to_dict())
    else:
        show(str(exported))
    return 0
