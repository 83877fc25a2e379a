"""Hostile names: whatever a name that was read from a file may try to do.

    for name in names(seed=1, count=200): ...

Every kind has a few written examples; more are made of pieces of them, drawn from a seed. The shape
of a name matters where what is drawn depends on it: :func:`harmless` gives an ordinary name that is
as long.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from itertools import count
from pathlib import Path

import numpy as np

import whygrad as wg
from benchmarks.attack import Trial
from whygrad.errors import WhygradError
from whygrad.words.visible import visible

KINDS: dict[str, tuple[str, ...]] = {
    "tags": (
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(2)>",
        '<svg onload="alert(3)">',
        "<svg/onload=alert(4)//",
        '<a href="javascript:alert(5)">x</a>',
        '<iframe srcdoc="<script>parent.alert(6)</script>">',
        '<form action=http://127.0.0.1:9/><input autofocus onfocus="alert(7)">',
        '<base href="http://127.0.0.1:9/">',
        "<details open ontoggle=alert(8)>",
        "<!--",
        "<![CDATA[<b>]]>",
        "<?xml version='1.0'?>",
        "<plaintext>",
    ),
    "refresh": (
        '<meta http-equiv="refresh" content="0;url=http://127.0.0.1:9/left">',
        "<meta http-equiv=refresh content=0;url=http://127.0.0.1:9/left>",
    ),
    "ends": (
        "</script><script>alert(9)</script>",
        "</style><style>*{display:none}</style>",
        "</title><b>title</b>",
        "</svg></text></span></td></table></div></main>",
        "</textarea></noscript></template>",
        "--><img src=x onerror=alert(10)>",
        "]]><img src=x onerror=alert(11)>",
    ),
    "attributes": (
        '" onmouseover="alert(12)" x="',
        "' onfocus='alert(13)' autofocus x='",
        "` onload=alert(14) `",
        ' id="main" ',
        '"><img src=x onerror=alert(15)>',
    ),
    "addresses": ("javascript:alert(16)", "data:text/html,<script>alert(17)</script>"),
    "entities": ("&lt;b&gt;", "&#60;script&#62;", "&amp;amp;", "&NotAnEntity;", "&#x202e;", "&#0;"),
    "rich": ("[red]", "[/]", "[bold red]x[/bold red]", "[link=http://127.0.0.1:9/]x[/link]"),
    "emoji_codes": (":boom:", ":warning:"),
    "terminal": (
        "\x1b]52;c;ZXZpbA==\x07",
        "\x1b]52;c;ZXZpbA==\x1b\\",
        "\x1b]0;title\x07",
        "\x1b]8;;http://127.0.0.1:9/\x1b\\link\x1b]8;;\x1b\\",
        "\x1b[2J\x1b[H",
        "\x1b[31mred\x1b[0m",
        "\x1bP$q\x1b\\",
        "\x1bc",
        "\x9b2J",
        "\x9d52;c;ZXZpbA==\x9c",
        "\x90$q\x9c",
        "a\x08\x08b\x7f",
    ),
    "direction": ("\u202egpj.exe", "\u2066abc\u2069", "\u200f\u200e", "a\u061cb"),
    "unseen": ("a\u200bb", "a\u200d\u200cb", "\ufeffa", "\u2060", "\u00ad", "\u3164", "\U000e0041"),
    "lines": (
        "a\nb",
        "a\r\nb",
        "a\rb",
        "a\x0bb\x0cc",
        "a\u2028b\u2029c",
        "a\x85b",
        "\n● output: well",
    ),
    "zeros": ("\x00", "a\x00b"),
    "surrogates": ("\ud800", "a\udcffb", "\udfff\ud800"),
    "long": ("x" * 3000, "<" * 2000, "名" * 1500, "a b " * 700),
    "marks": ("e" + "\u0301" * 200,),
    "mathtext": ("$\\frac{", "$x^2$", "$\\alpha$ $", "a_b^c", "\\[x\\]", "$" * 9),
    "braces": ("{0}", "{name}", "{", "}", "{{}}", "{0.__class__}", "%s", "%(x)s", "%n", "${HOME}"),
    "commands": ("$(touch pwned)", "`touch pwned`", "; touch pwned", "--help", "a & b | c", "'\"'"),
    "python": ('"""', "'''", "\\", '\\"', "'); raise SystemExit(3) #", "\\N{BULLET}", "x = 1; y"),
    "formulas": ("=cmd|' /C calc'!A0", "+1+1", "@SUM(1)", "-2+3"),
    "markdown": ("```\n# x\n```", "[x](javascript:alert(18))", "|a|b|", "**b**"),
    "paths": ("../../etc/passwd", "/", "a/b", "a\\b", "..", "C:\\x", "~"),
    "own_words": ("steps", "__metadata__", "output", "hidden1", "loss", "None", "nan", "/reduced"),
}


def written() -> list[str]:
    """Return every written example."""
    return [name for kind in KINDS.values() for name in kind]


def names(seed: int, count: int) -> Iterator[str]:
    """Yield names put together from pieces of the written ones, the same for the same seed."""
    draw, known = random.Random(seed), written()
    for _ in range(count):
        pieces = (_piece(draw, draw.choice(known)) for _ in range(draw.randint(1, 4)))
        yield draw.choice(("", " ", "\n", "a")).join(pieces)


def one_of_all() -> str:
    """Return one name that holds something of every kind, for places that take a single one."""
    short = [kind[0] for name, kind in KINDS.items() if name not in ("long", "own_words", "paths")]
    return "|".join(short)


def harmless(name: str) -> str:
    """Return an ordinary name of the same length."""
    return ("plain_name_" * (len(name) // 11 + 1))[: len(name)]


def _piece(draw: random.Random, name: str) -> str:
    """Return a name, or a part of it, with a character changed now and then."""
    start = draw.randrange(len(name)) if draw.random() < 0.3 else 0
    part = name[start:][: draw.choice((8, 60, 4000))]
    if draw.random() < 0.2:
        at = draw.randrange(len(part) + 1)
        part = part[:at] + chr(draw.choice((0, 27, 34, 39, 60, 62, 92, 0x9B, 0x202E))) + part[at:]
    return part


def attack(seed: int, folder: Path) -> Iterator[Trial]:
    """Yield a trial a network whose columns, classes and data have drawn names.

    Its page must have the elements of one with ordinary names, and nothing that is printed may act
    or hide. Names that cannot be written to a file may be refused.
    """
    for number in count():
        drawn = list(dict.fromkeys(names(seed * 1_000_003 + number, 12)))[:6]
        what = f"names {drawn!r}"[:400]
        try:
            page, told = _outputs(folder / f"{number}", drawn, str)
        except WhygradError as error:
            yield Trial(what, "" if visible(str(error), keep="\n") == str(error) else "it acts")
            continue
        ordinary, _ = _outputs(folder / f"{number}-ordinary", drawn, harmless)
        yield Trial(what, _problem(page, ordinary, told))


def _outputs(folder: Path, drawn: list[str], change: Callable[[str], str]) -> tuple[str, str]:
    """Return the page of a network with such names, and what is printed of it."""
    *columns, one, other, title = (f"{change(name)}{i}" for i, name in enumerate(drawn))
    x = np.random.default_rng(0).normal(size=(40, len(columns)))
    classes, y = [one, other], np.arange(40) % 2
    data = wg.from_arrays(x, y, name=title, feature_names=columns, target_names=classes)
    network = wg.Network.create([len(columns), 4, data.n_out], seed=0)
    run = wg.train(network, data, epochs=1, out=folder)
    page = run.report(folder / "page.html").read_text("utf-8")
    return page, f"{run!r}\n{run.why('hidden1.weight[0, 0]', sample=0)}"


def _problem(page: str, ordinary: str, told: str) -> str:
    if visible(told, keep="\n") != told:
        return "what is printed acts or hides"
    if visible(page, keep="\n\t\u2060") != page:
        return "the page holds characters that act or hide"
    return "" if _elements(page) == _elements(ordinary) else "the page has other elements"


def _elements(page: str) -> Counter[tuple[str, ...]]:
    """Return how often every element with its attributes stands on a page."""
    found: Counter[tuple[str, ...]] = Counter()
    reader = HTMLParser()
    reader.handle_starttag = lambda tag, attrs: found.update([(tag, *sorted(dict(attrs)))])
    reader.feed(page)
    return found
