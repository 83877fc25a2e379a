"""The few words of the command-line library, and its errors, in our own words."""

import re
from difflib import get_close_matches
from typing import Any

import typer

from whygrad.cli.console import show_error
from whygrad.errors import OptionError
from whygrad.words import t

# public under this name in every version; its base is not
UsageError: Any = typer.BadParameter.__base__
KINDS = {"integer": "integer", "number": "float", "float": "float", "boolean": "boolean"}
PANELS = ("ARGUMENTS", "OPTIONS", "COMMANDS")


def translate(command: Any) -> Any:
    """Put the help texts that the library brings along into the language in use."""
    from typer import rich_utils

    for panel in PANELS:
        setattr(rich_utils, f"{panel}_PANEL_TITLE", t(f"cli.panel.{panel.lower()}"))
    for each in [command, *getattr(command, "commands", {}).values()]:
        for parameter in [*each.params, each.get_help_option(typer.Context(each))]:
            own = {"help": "help.help", "install_completion": "help.install_completion"}
            own |= {"show_completion": "help.show_completion"}
            if parameter is not None and parameter.name in own:
                parameter.help = t(own[parameter.name])
    return command


def explain_usage(error: Exception, as_json: bool) -> int:
    """Say what is wrong with a command line and return exit code 2; raise what is no such error."""
    if not isinstance(error, UsageError):
        raise error
    if type(error).__name__ == "NoArgsIsHelpError":  # the help has been shown
        return 2
    show_error(_in_our_words(error), as_json)
    return 2


def _in_our_words(error: Any) -> OptionError:
    name = type(error).__name__
    command = error.ctx.command_path if error.ctx else "whygrad"
    if name == "NoSuchOption":
        return _no_such("option", error.option_name, _options(error.ctx), command)
    if name == "MissingParameter":
        missing = getattr(error.param, "metavar", None) or error.param.name if error.param else ""
        return OptionError("error.usage_missing", parameter=missing, command=command)
    kind = next((KINDS[word] for word in KINDS if f"valid {word}" in error.message), None)
    if name == "BadParameter" and kind and error.param is not None:
        option = error.param.opts[0]
        return OptionError(f"error.usage_{kind}", option=option, command=command)
    unknown = re.search(r"No such command '(.*?)'", error.message or "")
    if unknown:
        known = list(getattr(error.ctx.command, "commands", {}))
        return _no_such("command", unknown[1], known, command)
    return OptionError("error.usage", problem=error.format_message(), command=command)


def _no_such(what: str, name: str, known: list[str], command: str) -> OptionError:
    near = get_close_matches(name, known, n=1, cutoff=0.7)
    if not near:
        return OptionError(f"error.usage_no_{what}", name=name, command=command)
    return OptionError(f"error.usage_no_{what}_near", name=name, near=near[0], command=command)


def _options(context: Any) -> list[str]:
    return [option for parameter in context.command.params for option in parameter.opts]
