"""Names are data: the one function that makes them visible, and who may go past it."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from unicodedata import category

import pytest
from benchmarks.attack.names import names, written

import whygrad
from whygrad.errors import DataError, InputError
from whygrad.words import command_word, t
from whygrad.words.markup import element
from whygrad.words.terminal import Console, Table, Text, as_plain
from whygrad.words.visible import as_json, shortened, visible

SOURCE = Path(whygrad.__file__).parent
HOSTILE = [*written(), *names(seed=1, count=300)]


def acts(text: str, keep: str = "") -> list[str]:
    """Return the characters of a text that a terminal would take for more than a letter."""
    return [c for c in text if c not in keep and category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


def test_every_character_that_acts_or_hides_becomes_its_escape():
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    assert acts(visible(every)) == []
    assert visible("a\x1b]52;c;\x07\x9b2J\u202e\u2066\u200b\r\n\x00\ud800\U000e0041\u3164") == (
        r"a\x1b]52;c;\x07\x9b2J\u202e\u2066\u200b\r\n\x00\ud800\U000e0041\u3164"
    )


def test_letters_of_all_languages_stay_as_they_are():
    ordinary = "Größe «naïve» 权重，中文 עברית العربية हिन्दी ไทย 한국어 😀 ½ − x² \\ \u00a0"
    assert visible(ordinary) == ordinary
    assert visible("a\n\tb\n", keep="\n") == "a\n\\tb\n"


@pytest.mark.parametrize("name", [*written()[::7], "x" * 10_000])
def test_what_is_visible_stays_as_it_is(name):
    assert visible(visible(name)) == visible(name)


def test_json_is_exact_and_harmless():
    hostile = [name for name in HOSTILE if not any(category(c) == "Cs" for c in name)]
    for content in ({name: name for name in hostile}, hostile):
        text = as_json(content, indent=2)
        assert json.loads(text) == content
        assert acts(text, keep="\n") == []


def test_a_lone_surrogate_is_written_and_read_again():
    text = as_json({"\udcff": "a\ud800"})
    assert text.encode() == b'{"\\udcff": "a\\ud800"}'
    assert json.loads(text) == {"\udcff": "a\ud800"}


def test_names_are_clean_wherever_a_sentence_takes_them():
    for name in HOSTILE:
        said = t("error.unknown_name", what=name, name=name, known=name)
        assert acts(said) == []
        assert acts(str(InputError("error.data_date_target", column=name))) == []


def test_only_a_sentence_keeps_its_line_breaks():
    problems = [InputError("error.data_date_target", column="a\nb") for _ in range(2)]
    error = DataError("x\ny", problems)
    assert [line[:2] for line in str(error).split("\n")] == ["x\\", "- ", "- "]
    assert t("cli.error", message=error).count("\n") == 2
    assert t("cli.error", message="a\nb").count("\n") == 0


def test_a_terminal_shows_names_and_does_nothing_else():
    for name in HOSTILE:
        table = Table(show_header=False)
        table.add_row("a", name)
        assert acts(as_plain(Text(name), 100_000)) == []
        assert as_plain(table, 100_000).count("\n") == 0
        assert visible(name).rstrip() in as_plain(Text(name), 100_000)


def test_what_was_forgotten_is_made_visible_where_it_is_printed():
    for name in HOSTILE:
        assert acts(as_plain(name, 200), keep="\n") == []


def test_colours_of_ours_are_still_written():
    from io import StringIO

    page = StringIO()
    Console(file=page, force_terminal=True, color_system="standard", width=40).print(
        Text("a\x1b[32mb", style="red")
    )
    assert page.getvalue() == "\x1b[31ma\\x1b[32mb\x1b[0m\n"


def test_an_attribute_and_a_text_hold_the_name_and_nothing_else(read):
    for name in HOSTILE:
        page = read(f"<main>{element('p', name, title=name)}</main>")
        (paragraph,) = page.every()[1:]
        shown = visible(name, keep="\n\t")
        assert (paragraph.text(), paragraph.attributes) == (shown, {"title": shown})


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [("abc", 3, "abc"), ("abcdefgh", 5, "ab…gh"), ("名名名名", 5, "名…名"), ("", 0, "")],
)
def test_a_long_name_keeps_both_ends(text, columns, expected):
    assert shortened(text, columns) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("runs/digits-1", "runs/digits-1"),
        ("hidden1.weight[0, 0]", '"hidden1.weight[0, 0]"'),
        ("my run", '"my run"'),
        ("--help", "./--help"),
        ("$(touch pwned)", "'$(touch pwned)'"),
        ("a\nb", "'a\\nb'"),
    ],
)
def test_a_name_in_a_command_is_one_word(name, expected):
    assert command_word(name) == expected


def test_no_shell_does_anything_with_a_name():
    words = [str(command_word(name)) for name in HOSTILE if len(name) < 100]
    words = [word for word in words if not acts(word)]
    script = "\n".join(f"printf '%s\\0' {word}" for word in words)
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True, text=True)
    shown = [visible(name) for name in HOSTILE if len(name) < 100]
    expected = [f"./{name}" if name.startswith("-") else name for name in shown]
    assert done.stdout.split("\0")[:-1] == expected
    assert done.stderr == ""


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def test_nothing_prints_past_our_own_terminal():
    """Rich's texts, tables and consoles are taken from words.terminal alone."""
    raw = {"rich.console.Console", "rich.table.Table", "rich.text.Text", "rich.print", "rich"}
    raw |= {"rich.console", "rich.table", "rich.text"}
    users = {path.relative_to(SOURCE).as_posix(): imports(path) for path in SOURCE.rglob("*.py")}
    assert [name for name, taken in users.items() if taken & raw] == ["words/terminal.py"]


def test_nothing_is_called_html_but_what_our_own_functions_made():
    """Whatever is neither a resource of ours nor made by a writer of markup is escaped."""
    makers = {}
    for path in SOURCE.rglob("*.py"):
        calls = [
            ast.unparse(node.args[0])
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Markup"
        ]
        if calls:
            makers[path.relative_to(SOURCE).as_posix()] = calls
    assert makers == {
        "words/markup.py": [
            "f'<{start}>' if name in VOID else f'<{start}>{joined(*children)}</{name}>'",
            "''.join((_written(child) for child in children))",
            "BEFORE_PERCENT.sub('\\xa0', written) if is_ours else written",
        ],
        "render/page/canvas.py": [
            "re.sub('(?<=>)\\\\s+(?=<)', '', svg)"
        ],  # matplotlib's own writer escapes texts
        "render/page/formula.py": ["inside"],  # ElementTree's does
        "render/page/layout.py": [
            "resource('script.js')",
            "resource('style.css') + resource('parts.css') + style",
        ],
        "explain/html.py": ["STYLE"],
        "lessons/rendering/html.py": ["scoped"],
        "doctor/html.py": ["STYLE"],
        "training/measures/html.py": ["STYLE"],
        "render/run.py": ["STYLE"],
    }
