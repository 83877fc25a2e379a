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
LIBRARY_OPTIONS = ("help", "install_completion", "show_completion")
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
    own = {name: help_text(f"help.{name}") for name in LIBRARY_OPTIONS}
    for each in [command, *getattr(command, "commands", {}).values()]:
        for parameter in [*each.params, each.get_help_option(typer.Context(each))]:
            if parameter is not None and parameter.name in own:
                parameter.help = own[parameter.name]
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
    kind, message = type(error).__name__, error.message or ""
    command = error.ctx.command_path if error.ctx else "whygrad"
    if kind == "NoSuchOption":
        known = [option for parameter in error.ctx.command.params for option in parameter.opts]
        return _no_such("option", error.option_name, known, command)
    if kind == "MissingParameter":
        missing = getattr(error.param, "metavar", None) or error.param.name if error.param else ""
        return OptionError("error.usage_missing", parameter=missing, command=command)
    expected = next((KINDS[word] for word in KINDS if f"valid {word}" in message), None)
    if kind == "BadParameter" and expected and error.param is not None:
        return OptionError(f"error.usage_{expected}", option=error.param.opts[0], command=command)
    if unknown := re.search(r"No such command '(.*?)'", message):
        known = list(getattr(error.ctx.command, "commands", {}))
        return _no_such("command", unknown[1], known, command)
    if kind == "BadOptionUsage":
        key = "error.usage_no_value" if "requires" in message else "error.usage_no_value_taken"
        return OptionError(key, option=error.option_name)
    if extra := re.search(r"unexpected extra arguments?\S* \((.*)\)", message):
        return OptionError("error.usage_extra", actual=extra[1], command=command)
    return OptionError("error.usage", problem=error.format_message(), command=command)


def _no_such(what: str, name: str, known: list[str], command: str) -> OptionError:
    near = get_close_matches(name, known, n=1, cutoff=0.7)
    if not near:
        return OptionError(f"error.usage_no_{what}", name=name, command=command)
    return OptionError(f"error.usage_no_{what}_near", name=name, near=near[0], command=command)
