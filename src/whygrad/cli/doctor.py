"""``whygrad doctor``: what keeps a network from learning, and what helps.

What only our own networks need is imported where it is needed, as in :mod:`whygrad.cli.showing`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.padding import Padding

from whygrad.cli.console import show, show_json
from whygrad.cli.runs import RUNS, open_named
from whygrad.doctor.asking import Tell, diagnose_run
from whygrad.doctor.diagnosis import Diagnosis
from whygrad.doctor.wording import explain
from whygrad.errors import OptionError
from whygrad.record.files import write_whole
from whygrad.runs import Run
from whygrad.settings import Settings
from whygrad.words import command_word, t
from whygrad.words.terminal import Command, Console, RenderableType, Text

if TYPE_CHECKING:
    from whygrad.doctor.prescribing import Sections

FOUND = 1


def doctor_command(
    subject: str | None, verify: bool, budget: float, out: Path | None, as_json: bool
) -> int:
    """Diagnose a run, a configuration or a built-in set, and write the remedy that held."""
    if subject is None:
        raise OptionError("error.doctor_subject")
    if not budget > 0:
        raise OptionError("error.doctor_budget", actual=budget)
    path = Path(subject)
    is_run = path.is_dir() or (not path.exists() and (RUNS / subject).is_dir())
    run = open_named(subject) if is_run else None
    if run is not None and verify:
        run.require("verify")
    with _progress() as telling:
        requested, diagnosis = _requested(run or subject, verify, budget, telling)
    written = _write(requested, diagnosis, out)
    if as_json:
        config = (
            {} if diagnosis.steps is not None else {"config": str(written) if written else None}
        )
        show_json(diagnosis.to_dict() | config)
    else:
        show(page(str(diagnosis)))
        if written:
            show(Command(t("doctor.written", path=command_word(written))))
    return 0 if diagnosis.is_healthy else FOUND


def explain_command(kind: str, as_json: bool) -> int:
    """Print what a fault is."""
    text = explain(kind)
    if as_json:
        show_json({"kind": kind, "text": text})
    else:
        show(page(text))
    return 0


def _requested(
    subject: Run | str, verify: bool, budget: float, telling: Tell
) -> "tuple[Sections, Diagnosis]":
    """Return the configuration that was asked about, and the diagnosis."""
    options: dict[str, Any] = {"verify": verify, "budget": budget, "tell": telling}
    if isinstance(subject, Run):
        return dict(subject.description.get("origin") or {}), diagnose_run(subject, **options)
    from whygrad.cli.plan import make_network, make_plan
    from whygrad.cli.training import load_data
    from whygrad.doctor.diagnosing import diagnose
    from whygrad.doctor.setup import setup_of

    is_config = subject.endswith(".toml")
    plan = make_plan(Path(subject) if is_config else None, {} if is_config else {"source": subject})
    data = load_data(plan, quiet=True)  # there is a display already
    plan = plan.completed(data)
    settings = Settings.from_dict(plan.training)
    setup = setup_of(make_network(plan, data), data, settings, plan.to_dict())
    return plan.to_dict(), diagnose(setup, **options)


def page(text: str) -> RenderableType:
    """Return text whose wrapped lines keep their indentation."""
    lines = text.splitlines()
    return Group(
        *(Padding(Text(line.strip()), (0, 0, 0, len(line) - len(line.lstrip()))) for line in lines)
    )


def _write(requested: "Sections", diagnosis: Diagnosis, out: Path | None) -> Path | None:
    """Write the remedy that held as a configuration, if there is where to."""
    best = diagnosis.best
    if out is None or not requested or best is None or diagnosis.verdict != "held":
        return None
    from whygrad.doctor.prescribing import as_toml, prescribe

    write_whole(out, as_toml(prescribe(requested, best.remedies, best.setup.task)).encode())
    return out


@contextmanager
def _progress() -> Iterator[Tell]:
    """Show on stderr what is being tried, where someone looks."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda name: None
        return
    with console.status(Text(t("doctor.looking"))) as status:
        yield lambda name: status.update(Text(t("doctor.trying", name=name)))
