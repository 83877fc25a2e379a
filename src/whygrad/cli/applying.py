"""``whygrad evaluate``, ``predict``, ``export`` and ``log``: a run that is put to use."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.padding import Padding

from whygrad.cli.console import remark, show, show_json, show_table
from whygrad.cli.runs import open_named
from whygrad.cli.showing import measures_page
from whygrad.data.loading import load_rows
from whygrad.errors import OptionError
from whygrad.interop.tracking import log
from whygrad.record.files import write_whole
from whygrad.runs import Run
from whygrad.training.measures.text import as_rich
from whygrad.words import t

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = {".csv": ",", ".tsv": "\t"}
SUFFIXES = (*SEPARATORS, ".parquet")
LABELS = ";"  # between the labels of one row


def evaluate_command(name: str, part: str, step: int | None, as_json: bool) -> int:
    """Print loss and measures of a run's network on a part of the run's own data."""
    run = _own(name)
    recorded = run.trained.evaluate(part, step=step)
    measures = run.measures(part, step=step)
    if as_json:
        told = {"path": str(run.path), "part": part, **network_at(run, step)}
        show_json(told | recorded | measures.figures | recorded | {"measures": measures.to_dict()})
    else:
        show(step_line(run, step))
        show(measures_page({part: recorded}))
        show(Padding(as_rich(measures), (1, 0, 0, 0)))
    return 0


def predict_command(
    name: str, rows: Path, out: Path | None, step: int | None, as_json: bool
) -> int:
    """Write what a run's network predicts for the rows of a file."""
    run = _own(name)
    if out is not None and out.suffix.lower() not in SUFFIXES:
        raise OptionError("error.predict_ending", path=out, known=", ".join(SUFFIXES))
    table = predictions_of(run, rows, step)
    if out is not None:
        suffix = out.suffix.lower()
        if suffix in SEPARATORS:
            text = table.to_csv(index=False, sep=SEPARATORS[suffix])
            write_whole(out, text.encode(errors="backslashreplace"))
        else:
            write_whole(out, table.to_parquet(index=False))
    if as_json:
        told: dict[str, Any] = {"path": str(run.path), "rows": len(table), **network_at(run, step)}
        told["predictions" if out is None else "out"] = (
            table.to_dict("records") if out is None else str(out)
        )
        show_json(told)
    elif out is None:
        remark(step_line(run, step))
        show_table(table.to_csv(index=False))
    else:
        show(step_line(run, step))
        show(t("cli.predicted", rows=len(table), path=out))
    return 0


def predictions_of(run: Run, rows: Path, step: int | None) -> "pd.DataFrame":
    """Return the predictions for the rows of a file, one row each, in their order.

    ``prediction``, and of classes and labels ``probability_<name>`` each; of several numbers
    ``prediction_<name>`` each.
    """
    import pandas as pd

    data = run.data
    raw = load_rows(rows, data.encoder.columns)
    claims = run.claims(raw, step=step)
    told: Any = data.encoder.answer(claims)
    if data.task == "numbers" and len(data.target_names) > 1:
        names = [f"prediction_{name}" for name in data.target_names]
        return pd.DataFrame(told, columns=names)
    if data.task == "labels":
        told = [LABELS.join(labels) for labels in told]
    columns = {"prediction": told[:, 0] if data.task == "numbers" else told}
    if run.gives_probabilities:
        probabilities = run.as_probabilities(claims)
        for position, name in enumerate(data.target_names):
            columns[f"probability_{name}"] = probabilities[:, position]
    return pd.DataFrame(columns)


def network_at(run: Run, step: int | None) -> dict[str, Any]:
    """Return which network it is, as data: after how many steps, or the best and its epoch."""
    if step is not None:
        return {"step": step}
    last = run.last_checkpoint()
    return {"step": int(last.state.step)} if last.best is None else {"best": last.best.epoch}


def step_line(run: Run, step: int | None) -> str:
    """Return which network it is, in words."""
    told = network_at(run, step)
    if "best" in told:
        return t("cli.network.best", epoch=told["best"])
    return t("cli.network.at_step", step=told["step"], total=run.task.total_steps)


def _own(name: str) -> Run:
    run = open_named(name)
    run.require("network")
    return run


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
