"""The few words of the command-line library, and its errors, in our own words."""

import re
from difflib import get_close_matches
from typing import Any

import typer
from rich.highlighter import Highlighter
from rich.markup import escape

from whygrad.cli.console import show_error
from whygrad.errors import OptionError
from whygrad.words import t

# public under this name in every version; its base is not
UsageError: Any = typer.BadParameter.__base__
KINDS = {"integer": "integer", "number": "float", "float": "float", "boolean": "boolean"}
PANELS = ("ARGUMENTS", "OPTIONS", "COMMANDS")


def help_text(key: str, /, **values: object) -> str:
    """Return a sentence of the catalogue as the markup that help is written in.

    The sentence is literal, brackets and all; what it puts between backticks becomes bold.
    """
    return re.sub("`(.+?)`", r"[bold]\1[/]", escape(t(key, **values)))


def translate(command: Any) -> Any:
    """Put the help texts that the library brings along into the language in use."""
    from typer import rich_utils

    for panel in PANELS:
        setattr(rich_utils, f"{panel}_PANEL_TITLE", t(f"cli.panel.{panel.lower()}"))
    if not isinstance(rich_utils.highlighter, _Folding):
        rich_utils.highlighter = _Folding(rich_utils.highlighter)  # type: ignore[assignment]
    for each in [command, *getattr(command, "commands", {}).values()]:
        for parameter in [*each.params, each.get_help_option(typer.Context(each))]:
            own = {"help": "help.help", "install_completion": "help.install_completion"}
            own |= {"show_completion": "help.show_completion"}
            if parameter is not None and parameter.name in own:
                parameter.help = help_text(own[parameter.name])
    return command


class _Folding(Highlighter):
    """The help's own highlighter, whose texts break where they are too long for their column.

    Chinese has no spaces, and would be cut.
    """

    def __init__(self, inner: Highlighter):
        self._inner = inner

    def __call__(self, text: Any) -> Any:
        highlighted = self._inner(text)
        highlighted.overflow = "fold"
        return highlighted

    def highlight(self, text: Any) -> None:
        self._inner.highlight(text)


def explain_usage(error: Any, as_json: bool) -> int:
    """Say what is wrong with a command line and return exit code 2."""
    if type(error).__name__ == "NoArgsIsHelpError":  # the help has been shown
        return 2
    show_error(_in_our_words(error), as_json)
    return 2


def _in_our_words(error: Any) -> OptionError:
    command = error.ctx.command_path if error.ctx else "whygrad"
    for explain in EXPLANATIONS:
        explained = explain(error, command)
        if explained is not None:
            return explained
    return OptionError("error.usage", problem=error.format_message(), command=command)


def _unknown_option(error: Any, command: str) -> OptionError | None:
    if type(error).__name__ != "NoSuchOption":
        return None
    return _no_such("option", error.option_name, _options(error.ctx), command)


def _missing(error: Any, command: str) -> OptionError | None:
    if type(error).__name__ != "MissingParameter":
        return None
    missing = getattr(error.param, "metavar", None) or error.param.name if error.param else ""
    return OptionError("error.usage_missing", parameter=missing, command=command)


def _of_another_kind(error: Any, command: str) -> OptionError | None:
    kind = next((KINDS[word] for word in KINDS if f"valid {word}" in error.message), None)
    if type(error).__name__ != "BadParameter" or kind is None or error.param is None:
        return None
    return OptionError(f"error.usage_{kind}", option=error.param.opts[0], command=command)


def _unknown_command(error: Any, command: str) -> OptionError | None:
    unknown = re.search(r"No such command '(.*?)'", error.message or "")
    if unknown is None:
        return None
    known = list(getattr(error.ctx.command, "commands", {}))
    return _no_such("command", unknown[1], known, command)


def _no_value_or_one_too_many(error: Any, command: str) -> OptionError | None:
    if type(error).__name__ != "BadOptionUsage":
        return None
    key = "error.usage_no_value" if "requires" in error.message else "error.usage_no_value_taken"
    return OptionError(key, option=error.option_name)


def _too_many(error: Any, command: str) -> OptionError | None:
    extra = re.search(r"unexpected extra arguments?\S* \((.*)\)", error.message or "")
    if extra is None:
        return None
    return OptionError("error.usage_extra", came=extra[1], command=command)


EXPLANATIONS = (
    _unknown_option,
    _missing,
    _of_another_kind,
    _unknown_command,
    _no_value_or_one_too_many,
    _too_many,
)


def _no_such(what: str, name: str, known: list[str], command: str) -> OptionError:
    near = get_close_matches(name, known, n=1, cutoff=0.7)
    if not near:
        return OptionError(f"error.usage_no_{what}", name=name, command=command)
    return OptionError(f"error.usage_no_{what}_near", name=name, near=near[0], command=command)


def _options(context: Any) -> list[str]:
    return [option for parameter in context.command.params for option in parameter.opts]
