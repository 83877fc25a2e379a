"""``whygrad export`` and ``whygrad log``: a run for use elsewhere, and in other tools."""

from pathlib import Path

from whygrad.cli.console import show, show_json
from whygrad.cli.opening import open_named
from whygrad.errors import OptionError
from whygrad.interop.tracking import log


def export_command(
    name: str, format: str | None, out: Path | None, step: int | None, as_json: bool
) -> int:
    """Write a run in a format that others read, and say how it did in its trial."""
    exported = open_named(name).export(out, format=format, step=step)
    if as_json:
        show_json(exported.to_dict())
    else:
        show(str(exported))
    return 0


def log_command(name: str, to: str, out: str | None, project: str | None, as_json: bool) -> int:
    """Write a run into the record of another tool, and say where it is."""
    place = {"tensorboard": "folder", "wandb": "folder", "mlflow": "tracking_uri"}.get(to, "folder")
    group = {"wandb": "project", "mlflow": "experiment"}.get(to)
    options = {} if out is None else {place: out}
    if project is not None:
        if group is None:
            raise OptionError("error.track_project", to=to)
        options[group] = project
    logged = log(open_named(name), to, **options)
    if as_json:
        show_json(logged.to_dict())
    else:
        show(str(logged))
    return 0
