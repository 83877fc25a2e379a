"""The commands. Texts are looked up when this module is imported, after the language is chosen."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from whygrad import __version__
from whygrad.cli.console import show, show_json
from whygrad.cli.ending import end
from whygrad.cli.lesson import lesson_app
from whygrad.cli.usage import UsageError, explain_usage, help_text, translate
from whygrad.errors import OptionError
from whygrad.lab.page import all_tasks, rooms
from whygrad.settings import OPTIMIZERS, RANGES, SCHEDULES, Settings

BY_CTRL_C = 130  # what the command-line library makes of an interrupt
DEFAULTS = Settings()

app = typer.Typer(
    name="whygrad",
    help=help_text("help.whygrad"),
    epilog=help_text("help.examples"),
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, Option("--json", help=help_text("help.json"))]
Lang = Annotated[str | None, Option("--lang", help=help_text("help.lang"), metavar="en|zh")]
Encoding = Annotated[str | None, Option(help=help_text("help.encoding"))]
RunName = Annotated[str, Argument(help=help_text("help.run"), metavar="RUN")]
Step = Annotated[int | None, Option(help=help_text("help.step"))]


def _show_version(is_asked: bool) -> None:
    if is_asked:
        show(f"whygrad {__version__}")
        raise typer.Exit


@app.callback()
def before_any_command(
    version: Annotated[
        bool,
        Option("--version", help=help_text("help.version"), callback=_show_version, is_eager=True),
    ] = False,
) -> None: ...


def _number(name: str) -> str:
    return help_text(f"help.train.{name}", range=str(RANGES[name]), default=getattr(DEFAULTS, name))


@app.command(help=help_text("help.train"), no_args_is_help=True)
def train(
    data: Annotated[str | None, Argument(help=help_text("help.train.data"), metavar="DATA")] = None,
    target: Annotated[str | None, Option(help=help_text("help.train.target"))] = None,
    hidden: Annotated[
        str | None, Option(help=help_text("help.train.hidden"), metavar="32,32")
    ] = None,
    activation: Annotated[str | None, Option(help=help_text("help.train.activation"))] = None,
    output_activation: Annotated[
        str | None, Option(help=help_text("help.train.output_activation"))
    ] = None,
    init: Annotated[str | None, Option(help=help_text("help.train.init"))] = None,
    bias_init: Annotated[str | None, Option(help=help_text("help.train.bias_init"))] = None,
    bias: Annotated[
        bool | None, Option("--bias/--no-bias", help=help_text("help.train.bias"))
    ] = None,
    dropout: Annotated[float | None, Option(help=help_text("help.train.dropout"))] = None,
    loss: Annotated[str | None, Option(help=help_text("help.train.loss"))] = None,
    optimizer: Annotated[
        str | None, Option(help=help_text("help.train.optimizer", known=", ".join(OPTIMIZERS)))
    ] = None,
    learning_rate: Annotated[float | None, Option(help=_number("learning_rate"))] = None,
    schedule: Annotated[
        str | None, Option(help=help_text("help.train.schedule", known=", ".join(SCHEDULES)))
    ] = None,
    warmup: Annotated[int | None, Option(help=_number("warmup"))] = None,
    batch_size: Annotated[int | None, Option(help=_number("batch_size"))] = None,
    epochs: Annotated[int | None, Option(help=_number("epochs"))] = None,
    patience: Annotated[int | None, Option(help=_number("patience"))] = None,
    momentum: Annotated[float | None, Option(help=_number("momentum"))] = None,
    l2: Annotated[float | None, Option(help=_number("l2"))] = None,
    weight_decay: Annotated[float | None, Option(help=_number("weight_decay"))] = None,
    label_smoothing: Annotated[float | None, Option(help=_number("label_smoothing"))] = None,
    clip_norm: Annotated[float | None, Option(help=_number("clip_norm"))] = None,
    class_weight: Annotated[str | None, Option(help=help_text("help.train.class_weight"))] = None,
    seed: Annotated[int | None, Option(help=_number("seed"))] = None,
    record_every: Annotated[int | None, Option(help=_number("record_every"))] = None,
    validation: Annotated[float | None, Option(help=help_text("help.train.validation"))] = None,
    test: Annotated[float | None, Option(help=help_text("help.train.test"))] = None,
    weight: Annotated[str | None, Option(help=help_text("help.train.weight"))] = None,
    drop: Annotated[str | None, Option(help=help_text("help.train.drop"))] = None,
    categories: Annotated[
        list[str] | None, Option(help=help_text("help.train.categories"), metavar="COLUMN")
    ] = None,
    task: Annotated[str | None, Option(help=help_text("help.train.task"))] = None,
    delimiter: Annotated[str | None, Option(help=help_text("help.train.delimiter"))] = None,
    encoding: Encoding = None,
    stream: Annotated[
        bool | None, Option("--stream/--no-stream", help=help_text("help.train.stream"))
    ] = None,
    buffer: Annotated[int | None, Option(help=help_text("help.train.buffer"))] = None,
    samples: Annotated[int | None, Option(help=help_text("help.train.samples"))] = None,
    noise: Annotated[float | None, Option(help=help_text("help.train.noise"))] = None,
    devices: Annotated[int | None, Option(help=help_text("help.train.devices"))] = None,
    distributed: Annotated[
        bool, Option("--distributed", help=help_text("help.train.distributed"))
    ] = False,
    coordinator: Annotated[
        str | None, Option(help=help_text("help.train.coordinator"), metavar="HOST:PORT")
    ] = None,
    processes: Annotated[int | None, Option(help=help_text("help.train.processes"))] = None,
    process: Annotated[int | None, Option(help=help_text("help.train.process"))] = None,
    config: Annotated[Path | None, Option(help=help_text("help.train.config"))] = None,
    out: Annotated[Path | None, Option(help=help_text("help.train.out"))] = None,
    resume: Annotated[bool, Option("--resume", help=help_text("help.train.resume"))] = False,
    watch: Annotated[bool, Option("--watch", help=help_text("help.train.watch"))] = False,
    stop_on_finding: Annotated[
        bool, Option("--stop-on-finding", help=help_text("help.train.stop_on_finding"))
    ] = False,
    as_json: Json = False,
    lang: Lang = None,
) -> int:
    own = ("config", "out", "resume", "watch", "stop_on_finding", "as_json", "lang")
    of_job = ("devices", "distributed", "coordinator", "processes", "process")
    given = locals().items()
    job = {name: value for name, value in given if name in of_job}
    options = {name: value for name, value in given if name not in (*own, *of_job)}
    from whygrad.cli.supervising import in_job
    from whygrad.cli.training import DoctorCallback, train_command

    def command() -> int:
        callback = DoctorCallback(stop_on_finding) if watch or stop_on_finding else None
        return train_command(options, config, out, resume, as_json, callback, devices)

    return in_job(command, **job)


@app.command(help=help_text("help.why"), no_args_is_help=True)
def why(
    run: RunName,
    parameter: Annotated[str, Argument(help=help_text("help.why.parameter"), metavar="PARAMETER")],
    step: Annotated[int | None, Option(help=help_text("help.why.step"))] = None,
    sample: Annotated[int | None, Option(help=help_text("help.why.sample"))] = None,
    as_json: Json = False,
    lang: Lang = None,
) -> int:
    from whygrad.cli.runs import open_named

    ledger = open_named(run).why(parameter, step=step, sample=sample)
    if as_json:
        show_json(ledger.to_dict())
    else:
        from whygrad.explain.text import as_rich

        show(as_rich(ledger))
    return 0


@app.command(help=help_text("help.runs"))
def runs(
    folder: Annotated[Path, Argument(help=help_text("help.runs.folder"))] = Path("runs"),
    as_json: Json = False,
    lang: Lang = None,
) -> int:
    from whygrad.cli.showing import runs_command

    return runs_command(folder, as_json)


@app.command(name="show", help=help_text("help.show"), no_args_is_help=True)
def show_run(
    run: RunName,
    step: Step = None,
    check: Annotated[bool, Option("--check", help=help_text("help.show.check"))] = False,
    as_json: Json = False,
    lang: Lang = None,
) -> int:
    from whygrad.cli.showing import check_command, show_command

    if check and step is not None:
        raise OptionError("error.check_step", step=step)
    return check_command(run, as_json) if check else show_command(run, step, as_json)


@app.command(help=help_text("help.evaluate"), no_args_is_help=True)
def evaluate(
    run: RunName,
    rows: Annotated[
        Path | None, Argument(help=help_text("help.evaluate.rows"), metavar="[ROWS]")
    ] = None,
    part: Annotated[
        str | None, Option(help=help_text("help.evaluate.part"), metavar="train|validation|test")
    ] = None,
    target: Annotated[str | None, Option(help=help_text("help.evaluate.target"))] = None,
    weighted: Annotated[
        bool, Option("--weighted", help=help_text("help.evaluate.weighted"))
    ] = False,
    encoding: Encoding = None,
    step: Step = None,
    as_json: Json = False,
    lang: Lang = None,
) -> int:
    from whygrad.cli.applying import evaluate_command, evaluate_rows_command

    if rows is None:
        return evaluate_command(run, part, target, step, weighted, encoding, as_json)
    return evaluate_rows_command(run, rows, part, target, step, weighted, encoding, as_json)


@app.command(help=help_text("help.predict"), no_args_is_help=True)
def predict(
    run: RunName,
    rows: Annotated[Path, Argument(help=help_text("help.predict.rows"), metavar="ROWS")],
    out: Annotated[Path | None, Option(help=help_text("help.predict.out"))] = None,
    encoding: Encoding = None,
    step: Step = None,
    as_json: Json = False,
    lang: Lang = None,
) -> int:
    from whygrad.cli.applying import predict_command

    return predict_command(run, rows, out, encoding, step, as_json)


@app.command(help=help_text("help.report"), no_args_is_help=True)
def report(
    run: RunName,
    out: Annotated[Path | None, Option(help=help_text("help.report.out"))] = None,
    no_lab: Annotated[bool, Option("--no-lab", help=help_text("help.report.no_lab"))] = False,
    as_json: Json = False,
    lang: Lang = None,
) -> int:
    from whygrad.cli.showing import report_command

    return report_command(run, out, not no_lab, as_json)


@app.command(help=help_text("help.export"), no_args_is_help=True)
def export(
    run: RunName,
    format: Annotated[
        str | None, Option(help=help_text("help.export.format"), metavar="onnx|safetensors|torch")
    ] = None,
    out: Annotated[Path | None, Option(help=help_text("help.export.out"))] = None,
    step: Step = None,
    as_json: Json = False,
    lang: Lang = None,
) -> int:
    from whygrad.cli.applying import export_command

    return export_command(run, format, out, step, as_json)


@app.command(name="log", help=help_text("help.log"), no_args_is_help=True)
def log_run(
    run: RunName,
    to: Annotated[
        str, Option(help=help_text("help.log.to"), metavar="tensorboard|wandb|mlflow")
    ] = "tensorboard",
    out: Annotated[str | None, Option(help=help_text("help.log.out"))] = None,
    project: Annotated[str | None, Option(help=help_text("help.log.project"))] = None,
    as_json: Json = False,
    lang: Lang = None,
) -> int:
    from whygrad.cli.applying import log_command

    return log_command(run, to, out, project, as_json)


@app.command(help=help_text("help.doctor"), no_args_is_help=True)
def doctor(
    subject: Annotated[
        str | None, Argument(help=help_text("help.doctor.subject"), metavar="RUN|CONFIG|DATA")
    ] = None,
    verify: Annotated[bool, Option("--verify", help=help_text("help.doctor.verify"))] = False,
    budget: Annotated[
        float, Option(help=help_text("help.doctor.budget"), metavar="SECONDS")
    ] = 60.0,
    out: Annotated[Path | None, Option(help=help_text("help.doctor.out"))] = None,
    explain: Annotated[
        str | None, Option(help=help_text("help.doctor.explain"), metavar="KIND")
    ] = None,
    as_json: Json = False,
    lang: Lang = None,
) -> int:
    from whygrad.cli.doctor import doctor_command, explain_command

    if explain is not None:
        return explain_command(explain, as_json)
    return doctor_command(subject, verify, budget, out, as_json)


@app.command(
    help=help_text("help.watch"),
    no_args_is_help=True,
    context_settings={"allow_interspersed_args": False},  # what follows the program is its own
)
def watch(
    program: Annotated[str, Argument(help=help_text("help.watch.program"), metavar="PROGRAM")],
    arguments: Annotated[
        list[str] | None, Argument(help=help_text("help.watch.arguments"), metavar="ARGUMENTS")
    ] = None,
    module: Annotated[bool, Option("-m", help=help_text("help.watch.module"))] = False,
    every: Annotated[str, Option(help=help_text("help.watch.every"), metavar="N|auto")] = "auto",
    out: Annotated[Path | None, Option(help=help_text("help.watch.out"), metavar="FOLDER")] = None,
    fail_on_finding: Annotated[
        bool, Option("--fail-on-finding", help=help_text("help.watch.fail_on_finding"))
    ] = False,
    uncompiled: Annotated[
        bool, Option("--uncompiled", help=help_text("help.watch.uncompiled"))
    ] = False,
    as_json: Annotated[bool, Option("--json", help=help_text("help.watch.json"))] = False,
    lang: Lang = None,
) -> int:
    from whygrad.cli.watching import watch_command

    watch_command(
        program,
        arguments or [],
        out=out,
        module=module,
        every=every,
        fail_on_finding=fail_on_finding,
        uncompiled=uncompiled,
        as_json=as_json,
    )


@app.command(help=help_text("help.lab"))
def lab(
    run: Annotated[str | None, Argument(help=help_text("help.lab.run"), metavar="RUN")] = None,
    room: Annotated[
        str | None, Option(help=help_text("help.lab.room", rooms=", ".join(rooms())))
    ] = None,
    out: Annotated[Path | None, Option(help=help_text("help.lab.out"))] = None,
    no_open: Annotated[bool, Option("--no-open", help=help_text("help.lab.no_open"))] = False,
    step: Annotated[list[int] | None, Option(help=help_text("help.lab.step"))] = None,
    slides: Annotated[bool, Option("--slides", help=help_text("help.lab.slides"))] = False,
    task: Annotated[
        str | None, Option(help=help_text("help.lab.task", tasks=", ".join(all_tasks())))
    ] = None,
    lock: Annotated[bool, Option("--lock", help=help_text("help.lab.lock"))] = False,
    scene: Annotated[Path | None, Option(help=help_text("help.lab.scene"))] = None,
    check: Annotated[str | None, Option(help=help_text("help.lab.check"), metavar="CODE")] = None,
    as_json: Json = False,
    lang: Annotated[
        str | None, Option("--lang", help=help_text("help.lab.lang"), metavar="en|zh")
    ] = None,
) -> int:
    from whygrad.cli.lab import check_command, lab_command

    if check is not None:
        return check_command(check, as_json)
    return lab_command(run, room, out, not no_open, step, slides, task, lock, scene, as_json, lang)


app.add_typer(lesson_app, name="lesson")


def run(arguments: list[str]) -> int:
    """Run a command line in this process and return its exit code; see :mod:`.ending`."""
    return end(partial(run_command, arguments), arguments)


def run_command(arguments: list[str]) -> int:
    """Run a command line and return its exit code; what goes wrong is raised, but for usage."""
    command = translate(typer.main.get_command(app))
    try:
        code = command.main(arguments, "whygrad", standalone_mode=False)
    except typer.Exit as leave:
        code = leave.exit_code
    except typer.Abort:
        raise KeyboardInterrupt from None
    except UsageError as error:
        return explain_usage(error, as_json="--json" in arguments)
    if code == BY_CTRL_C:
        raise KeyboardInterrupt
    return int(code or 0)
