"""ES modules, styles and data become one HTML file that asks for nothing else.

A module of ours is plain: imports first, each on a line of its own with a relative path, a file
ending and double quotes; ``export`` in front of a declaration. So packing is rewriting two kinds of
lines, and a module becomes a function that returns what it exports. The whole script is compressed:
it takes a third of the room, and whoever wants to read it finds it in the repository.
"""

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import PurePosixPath

IMPORT = re.compile(r'^import\s+(?:\{([^}]*)\}|\*\s+as\s+(\w+))\s+from\s+"(\.[^"]*)";[ \t]*$', re.M)
DECLARED = re.compile(r"^export\s+((?:async\s+)?function\*?|class|const)\s+(\w+)", re.M)
LISTED = re.compile(r"export\s*\{([^}]*)\};?\s*$")
# what explains is read in the repository: in a page it is a sixth of all; licences begin with /*!
COMMENT = re.compile(r"/\*\*.*?\*/[ \t]*|^[ \t]*//[^\n]*\n", re.S | re.M)
BLANK = re.compile(r"\n(?:[ \t]*\n)+")
LICENCE = re.compile(r"/\*!.*?\*/\n?", re.S)  # they stand in the page for everyone to read
SURROGATE = re.compile("[\ud800-\udfff]")  # alone, as a name may hold one: no UTF-8 has it
LEFT = re.compile(r"""^(?:import\b.*["'];?|export\b.*)$""", re.M)
STATIC = files("whygrad.lab") / "static"
ENTRY = "entry.js"


def read(name: str) -> str:
    """Return a file of the page."""
    return STATIC.joinpath(*PurePosixPath(name).parts).read_text(encoding="utf-8")


def pack(
    title: str, language: str, entry: str, styles: list[str], data: object, otherwise: str
) -> str:
    """Return a page of modules, styles and data.

    Args:
        title: of the window, until a script gives it another.
        language: tag of the language that the page opens in.
        entry: source of the first module; what it imports comes along.
        styles: names of stylesheets.
        data: what the entry reads from the element ``data``, as JSON.
        otherwise: HTML to read where scripts do not run, or are too old to unpack this one.
    """
    whole, loader = packed_script(entry), read("loader.js")
    licences, script = "".join(LICENCE.findall(whole)), LICENCE.sub("", whole)
    style = "".join(read(name) for name in styles)
    for kind, text in (("script", loader), ("style", style)):
        assert f"</{kind}" not in text, f"a {kind} would end early"
    assert "-->" not in licences, "the licences would end early"
    # what is not named may not be asked for: no request leaves the page
    policy = (
        f"default-src 'none'; script-src '{_digest(loader)}' '{_digest(script)}'; "
        f"style-src '{_digest(style)}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    return (
        f"<!DOCTYPE html>\n<!--\n{licences}\n-->\n"
        f'<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f'<div id="lab">{otherwise}</div>\n'
        f'<script type="application/json" id="data">{as_data(data)}</script>\n'
        f'<script type="text/plain" id="packed">{compressed(script)}</script>\n'
        f"<script>{loader}</script>\n</body>\n</html>\n"
    )


def compressed(text: str) -> str:
    """Return a text as what ``loader.js`` unpacks."""
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def as_data(data: object) -> str:
    """Return JSON that cannot end the element that it stands in, nor fail to be written."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    return SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def packed_script(entry: str) -> str:
    """Return a script that holds a module and everything that it imports, each once, in order."""
    sources = _collected(entry)
    parts = [_as_function(name, _bare(source)) for name, source in sources.items()]
    return '"use strict";\n(() => {\nconst modules = {};\n' + "".join(parts) + "})();\n"


def _collected(entry: str) -> Mapping[str, str]:
    """Return the sources of all modules by name, those that others import first."""
    found: dict[str, str] = {}
    open_names: list[str] = []

    def collect(name: str, source: str) -> None:
        assert name not in open_names, f"{name} imports itself by way of {open_names}"
        open_names.append(name)
        for path in IMPORT.findall(source):
            inner = resolved(name, path[2])
            if inner not in found:
                collect(inner, read(inner))
        found[open_names.pop()] = source

    collect(ENTRY, entry)
    return found


def resolved(importer: str, path: str) -> str:
    """Return the name of the module that another one imports by a relative path."""
    parts: list[str] = list(PurePosixPath(importer).parent.parts)
    for part in path.split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _bare(source: str) -> str:
    """Return a module without its comments."""
    return BLANK.sub("\n", COMMENT.sub("", source))


def _as_function(name: str, source: str) -> str:
    """Return a module as a function that is called once; its result is what it exports."""

    def imported(found: re.Match[str]) -> str:
        names = (
            found[2]
            or "{ " + re.sub(r"(\w+) as (\w+)", r"\1: \2", " ".join(found[1].split())) + " }"
        )
        return f'const {names} = modules["{resolved(name, found[3])}"];'

    body = IMPORT.sub(imported, source)
    exported = [found[1] for found in DECLARED.findall(body)]
    body = DECLARED.sub(r"\1 \2", body)
    if listed := LISTED.search(body):
        exported += [
            re.sub(r"(\S+) as (\S+)", r"\2: \1", one.strip()) for one in listed[1].split(",")
        ]
        body = body[: listed.start()]
    left = LEFT.search(body)
    assert left is None, f"{name}: cannot pack {left and left[0]!r}"
    return f'modules["{name}"] = (() => {{\n{body}\nreturn {{ {", ".join(exported)} }};\n}})();\n'


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
