"""Level 8: the command line. It shows what the levels below compute, and computes nothing."""

import sys

from whygrad import words


def main() -> None:
    """Run the command line; the language is chosen before any help text is built."""
    words.choose(_asked_language(sys.argv[1:]) or words.language())
    from whygrad.cli.app import run

    sys.exit(run(sys.argv[1:]))


def _asked_language(arguments: list[str]) -> str | None:
    for position, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name == "--lang":
            return value or next(iter(arguments[position + 1 :]), None)
    return None
