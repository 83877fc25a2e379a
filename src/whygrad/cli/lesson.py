"""``whygrad lesson``: one command a lesson, made of the lesson's own options when it is asked for.

A lesson's options are known once its module is imported, and with it JAX. So the list of lessons,
the help and the completion of names read the catalogue alone; only the lesson that runs is
imported.
"""

from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.markup import escape
from typer import Option
from typer.core import TyperCommand, TyperGroup

from whygrad import lessons
from whygrad.cli.console import show, show_json
from whygrad.cli.usage import help_text, translate
from whygrad.errors import OptionError, unknown_name
from whygrad.words import t
from whygrad.words.terminal import Table, Text

if TYPE_CHECKING:
    from typer import Context
else:  # what the library really hands over; it is public through its subclass only
    Context = typer.Context.__base__

ALL = "all"

PANEL = t("cli.panel.outcome")  # for what every lesson can do; its own options come first

Json = Annotated[bool, Option("--json", help=help_text("help.json"), rich_help_panel=PANEL)]
Lang = Annotated[
    str | None,
    Option("--lang", help=help_text("help.lang"), metavar="en|zh", rich_help_panel=PANEL),
]
Check = Annotated[
    bool, Option("--check", help=help_text("help.lesson.check"), rich_help_panel=PANEL)
]
NoLab = Annotated[
    bool, Option("--no-lab", help=help_text("help.lesson.no_lab"), rich_help_panel=PANEL)
]


def _out(key: str, default: str) -> Any:
    words = help_text(key, default=default)
    option = Option("--out", help=words, metavar="FILE.html", rich_help_panel=PANEL)
    return Annotated[Path | None, option]


class LessonGroup(TyperGroup):
    """The lessons as commands, none of them imported before it is to run."""

    def list_commands(self, ctx: Context) -> list[str]:
        return [*lessons.NAMES, ALL]

    def get_command(self, ctx: Context, cmd_name: str) -> Any:
        """Return what help and completion show of a command."""
        key = "help.lesson.all" if cmd_name == ALL else f"lesson.{cmd_name}.question"
        return TyperCommand(cmd_name, help=help_text(key), rich_markup_mode="rich")

    def resolve_command(self, ctx: Context, args: list[str]) -> Any:
        """Return the command that was asked for, with the options of its lesson."""
        name, *rest = args
        if name not in self.list_commands(ctx):
            if ctx.resilient_parsing:  # a shell completes a name that is not whole yet
                return None, None, rest
            raise unknown_name("lesson", name, self.list_commands(ctx))
        before = ["--json"] if ctx.params.get("as_json") else []
        return name, _all_command() if name == ALL else _lesson_command(name), before + rest


lesson_app = typer.Typer(
    cls=LessonGroup,
    help=help_text("help.lesson"),
    epilog=help_text("help.lesson.examples"),
    invoke_without_command=True,
    rich_markup_mode="rich",
    subcommand_metavar="[NAME|all] [OPTIONS]",
)


@lesson_app.callback()
def lesson(ctx: Context, as_json: Json = False, lang: Lang = None) -> int:
    return 0 if ctx.invoked_subcommand is not None else list_lessons(as_json)


def list_lessons(as_json: bool) -> int:
    """List the lessons: number, name, question."""
    if as_json:
        told = [
            {
                "number": place,
                "name": name,
                "title": t(f"lesson.{name}.title"),
                "question": t(f"lesson.{name}.question"),
            }
            for place, name in enumerate(lessons.NAMES, 1)
        ]
        show_json(told)
        return 0
    table = Table(show_header=False)
    table.add_column(justify="right", style="dim")
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    for place, name in enumerate(lessons.NAMES, 1):
        table.add_row(str(place), name, t(f"lesson.{name}.question"))
    show(Group(table, Text(), Text(t("cli.lesson.how"))))
    return 0


def _all_command() -> Any:
    def run_all(
        ctx: Context, out: Path | None, no_lab: bool, as_json: bool, lang: str | None
    ) -> int:
        if ctx.args:
            actual = ctx.args[0].partition("=")[0]
            if actual.startswith("-"):
                raise OptionError("error.lesson_all_option", actual=actual)
            raise OptionError("error.usage_extra", actual=actual, command=ctx.command_path)
        from whygrad.cli.lesson_runs import run_all_lessons

        return run_all_lessons(out, not no_lab, as_json)

    page = _out("help.lesson.book", "lessons/book.html")
    shared = {"out": page, "no_lab": NoLab, "as_json": Json, "lang": Lang}
    _declare(run_all, {"ctx": Context, **shared})
    extra = {"allow_extra_args": True, "ignore_unknown_options": True}
    return _command(ALL, run_all, help_text("help.lesson.all"), context_settings=extra)


def _lesson_command(name: str) -> Any:
    from whygrad.lessons.options import described, read_options

    lesson = lessons.find(name)

    def run_one(
        out: Path | None, no_lab: bool, check: bool, as_json: bool, lang: str | None, **given: Any
    ) -> int:
        from whygrad.cli.lesson_runs import check_lesson, run_lesson

        written = {option: text for option, text in given.items() if text is not None}
        experiment = lesson.start(read_options(lesson.setup, written))
        return (check_lesson if check else run_lesson)(experiment, out, not no_lab, as_json)

    own = {one.name: _own_option(one) for one in described(lesson.setup, name)}
    shared = {
        "out": _out("help.lesson.out", f"lessons/{name}.html"),
        "no_lab": NoLab,
        "check": Check,
        "as_json": Json,
        "lang": Lang,
    }
    _declare(run_one, own | shared)
    title, question = help_text(f"lesson.{name}.title"), help_text(f"lesson.{name}.question")
    return _command(name, run_one, f"[bold]{title}[/]\n\n{question}")


def _own_option(described: Any) -> Any:
    """Return an option of a set-up as it is declared to the command line; its text is read later,
    by the table that also checks what comes from Python."""
    from whygrad.lessons.options import option_text

    default = option_text(described.default)
    words = {"meaning": described.meaning, "allowed": described.allowed, "default": default}
    declared = Option(
        f"--{described.name.replace('_', '-')}",
        help=help_text("help.lesson.option", **words),
        metavar=escape(default),
    )
    return Annotated[str | None, declared]


def _declare(function: Any, parameters: dict[str, Any]) -> None:
    """Give a function the parameters that the command-line library reads off it."""
    defaults = {"no_lab": False, "check": False, "as_json": False}
    function.__annotations__ = parameters | {"return": int}
    function.__signature__ = Signature(
        [
            Parameter(
                name, Parameter.KEYWORD_ONLY, default=defaults.get(name), annotation=annotation
            )
            for name, annotation in parameters.items()
        ]
    )


def _command(name: str, function: Any, words: str, **settings: Any) -> Any:
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    app.command(name, help=words, **settings)(function)
    return translate(typer.main.get_command(app))
