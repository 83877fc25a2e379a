"""The page as a file: what is packed into it, what it may do, how it is asked for."""

import base64
import hashlib
import json
import re
import webbrowser
import zlib

import pytest

import whygrad as wg
from whygrad.cli.app import run
from whygrad.errors import InputError, OptionError
from whygrad.lab import pack
from whygrad.lab.page import EXAMPLE, Lab, as_page, rooms, tasks
from whygrad.words import LANGUAGES, catalogue, speaking, t

LARGEST = 400_000  # bytes
MOST_LINES = 200  # of a module
STATIC = pack.STATIC
OTHERS = ("engine.js", "preact.js")  # the one engine, and what is vendored


@pytest.fixture(scope="module")
def html() -> str:
    return as_page()


def data_of(html: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    assert found is not None
    return json.loads(found[1])


def sources() -> dict[str, str]:
    """Return the modules that are ours, by name."""
    files = sorted(path for path in STATIC.rglob("*.js") if path.name not in OTHERS)
    return {str(path.relative_to(STATIC)): path.read_text("utf-8") for path in files}


def test_the_page_is_small(html):
    assert len(html.encode()) < LARGEST


def script_of(html: str) -> str:
    found = re.search(r'id="packed">(.*?)</script>', html)
    assert found is not None
    return zlib.decompress(base64.b64decode(found[1])).decode()


def test_the_page_names_nothing_to_fetch(html):
    without_licences = html.partition("-->")[2] + script_of(html)
    attributes = re.findall(r"\b(?:src|href)=\"?([^\s\">]+)", without_licences)
    assert [one for one in attributes if not one.startswith("$")] == []
    assert set(re.findall(r"https?://[^\s\"'`)]+", without_licences)) <= {
        "http://www.w3.org/1998/Math/MathML",
        "http://www.w3.org/1999/xhtml",
        "http://www.w3.org/2000/svg",
    }


def test_only_its_own_script_and_style_may_act(html):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None and policy[1].startswith("default-src 'none'; ")
    (loader,) = re.findall(r"<script>(.*?)</script>", html, re.S)
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.S)
    loaded, packed, styled = (
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in (loader, script_of(html), style)
    )
    assert f"; script-src {loaded} {packed}; style-src {styled}; " in policy[1]
    assert "unsafe" not in policy[1]


def test_the_licences_travel_with_the_page(html):
    for notice in ("preact 11", "@preact/signals 2", "htm 3", "The MIT License", "Apache License"):
        assert notice in html


def test_what_is_listed_of_the_vendored_file_is_true():
    listed = (STATIC.parents[3] / "THIRD_PARTY.md").read_text(encoding="utf-8")
    file = (STATIC / "vendor" / "preact.js").read_bytes()
    assert f"`{hashlib.sha256(file).hexdigest()}`" in listed
    versions = re.findall(rb"==== (\S+) (\S+) ====", file)
    assert len(versions) == 4
    assert all(f"{name.decode()} {version.decode()}" in listed for name, version in versions)


def test_modules_are_short():
    lengths = {name: source.count("\n") for name, source in sources().items()}
    assert lengths and max(lengths.values()) <= MOST_LINES, lengths


def test_every_word_that_a_module_says_is_in_the_catalogue():
    said = {
        key
        for source in sources().values()
        for key in re.findall(r"\b(?:t|told)\(\"([^\"]+)\"", source)
    }
    assert len(said) > 30
    assert [key for key in said if f"lab.{key}" not in catalogue("en")] == []


@pytest.mark.parametrize("room", rooms())
def test_every_task_and_slide_of_a_room_has_its_words(room):
    source = sources()[f"rooms/{room}.js"]
    for kind in ("tasks", "slides"):
        (listed,) = re.findall(rf"^const {kind} = \[$(.*?)^\];$", source, re.M | re.S)
        names = re.findall(r"^  \{ name: \"(\w+)\"", listed, re.M)
        said = {key.split(".")[3] for key in catalogue("en") if f"lab.{room}.{kind[:-1]}." in key}
        assert names and set(names) == said
        assert kind == "slides" or set(tasks(room)) == set(names)


def test_a_module_becomes_what_it_exports(monkeypatch):
    files = {
        "one.js": "export const a = 1;\nexport function b() {}\n",
        "in/two.js": 'import {\n  a,\n  b as c,\n} from "../one.js";\nexport class D {}\n',
        "three.js": "const x = 1;export{x as y,x};\n",
    }
    monkeypatch.setattr(pack, "read", lambda name: files[name])
    script = pack.packed_script(
        'import * as all from "./three.js";\nimport { D } from "./in/two.js";\n'
    )
    assert 'const { a, b: c, } = modules["one.js"];' in script
    assert 'const all = modules["three.js"];' in script
    assert "return { a, b };" in script and "return { D };" in script
    assert "return { y: x, x };" in script
    assert re.search(r"^(import|export)\b", script, re.M) is None
    order = [script.index(f'modules["{name}"] =') for name in ("one.js", "in/two.js", "entry.js")]
    assert order == sorted(order)


def test_comments_stay_at_home_and_licences_do_not(monkeypatch, html):
    source = (
        "/** What it is.\n * @type {any} */\nexport const a = /** @type {any} */ (1);\n"
        '  // why\n\n\n/*! licence */\nexport const b = "http://x"; // said beside it\n'
    )
    monkeypatch.setattr(pack, "read", lambda name: source)
    script = pack.packed_script('import { a } from "./a.js";\n')
    assert "What it is" not in script and "why" not in script and "@type" not in script
    assert "const a = (1);\n/*! licence */" in script
    assert 'const b = "http://x"; // said beside it' in script
    assert "@param" not in script_of(html)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"a.js": 'import { a } from "./a.js";\n'}, "imports itself"),
        ({"a.js": 'import b from "./b.js";\n'}, "cannot pack"),
        ({"a.js": "export let b = 1;\n"}, "cannot pack"),
        ({"a.js": "export default 1;\n"}, "cannot pack"),
    ],
)  # fmt: skip
def test_what_cannot_be_packed_is_said(monkeypatch, files, problem):
    monkeypatch.setattr(pack, "read", lambda name: files[name])
    with pytest.raises(AssertionError, match=problem):
        pack.packed_script('import { a } from "./a.js";\n')


def test_data_cannot_end_its_element():
    text = pack.as_data({"name": "</script><script>alert(1)</script>"})
    assert "<" not in text
    assert json.loads(text)["name"].startswith("</script>")


def test_one_language_can_be_packed(html):
    chinese = as_page(languages=("zh",), lang="zh")
    assert list(data_of(chinese)["words"]) == ["zh-Hans"]
    assert list(data_of(html)["words"]) == ["en", "zh-Hans"]
    assert len(chinese) < len(html)


def test_what_was_asked_for_is_in_the_page():
    scene = {"room": "neuron", "set": {"input": 4}}
    data = data_of(as_page("neuron", lang="zh", scene=scene, slides=True, task="dry", lock=True))
    told = {name: data[name] for name in ("room", "language", "scene", "slides", "task", "lock")}
    assert told == {
        "room": "neuron", "language": "zh-Hans", "scene": {"input": 4}, "slides": True,
        "task": "dry", "lock": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"room": "kitchen"}, f"There is no room called kitchen. Known: {', '.join(rooms())}."),
        ({"lang": "de"}, "There is no language called de. Known: en, zh."),
        (
            {"lock": True},
            "`--lock` hides what a task does not need, and no task was given. "
            "Name one with `--task`.",
        ),
        (
            {"scene": {"room": "neuron", "set": 3}},
            "A scene must be an object with a room and its controls, got dict. "
            'Write it like {"room": "neuron", "set": {"input": 4}}.',
        ),
    ],
)
def test_what_is_not_there_is_said(options, message):
    with pytest.raises(OptionError) as raised:
        as_page(**options)
    assert str(raised.value) == message


def test_a_task_that_is_not_there_is_said():
    with pytest.raises(OptionError, match=r"^There is no task called paint\. Known: "):
        as_page(task="paint")


def test_a_scene_that_cannot_be_read_is_said(tmp_path):
    broken = tmp_path / "scene.json"
    broken.write_text("{", encoding="utf-8")
    with pytest.raises(OptionError) as raised:
        as_page(scene=broken)
    assert str(raised.value) == (
        f"The scene {broken} cannot be read as JSON: JSONDecodeError: Expecting property name "
        "enclosed in double quotes: line 1 column 2 (char 1). "
        'Write it like {"room": "neuron", "set": {"input": 4}}.'
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_scene_that_is_not_there_is_said(tmp_path, capsys, language):
    missing = tmp_path / "scene.json"
    error = OptionError("error.lab_scene_unreadable", path=missing, example=EXAMPLE)
    assert run(["lab", "--no-open", "--scene", str(missing), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["message"] == str(error)
    with speaking(language):
        assert "FileNotFound" not in str(error) and "Errno" not in str(error)
    assert str(error) == (
        f"The scene {missing} must be a JSON text file, and it cannot be read. Check the path and "
        'its permissions, and write it like {"room": "neuron", "set": {"input": 4}}.'
    )


def test_a_scene_is_an_ordinary_file_of_text(tmp_path):
    with pytest.raises(InputError, match="must be an ordinary file, but it is a folder"):
        as_page(scene=tmp_path)
    scene = tmp_path / "scene.json"
    scene.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OptionError, match="cannot be read as JSON: UnicodeDecodeError"):
        as_page(scene=scene)
    scene.write_text('\ufeff{"room": "neuron"}', encoding="utf-8")  # as Notepad saves it
    assert data_of(as_page(scene=scene))["room"] == "neuron"


def test_a_scene_comes_from_a_file(tmp_path):
    scene = tmp_path / "scene.json"
    scene.write_text('{"room": "neuron", "set": {"bias": 2}}', encoding="utf-8")
    assert data_of(as_page(scene=scene))["scene"] == {"bias": 2}


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """Return the addresses that a browser was told to open."""
    addresses = []
    monkeypatch.setattr(webbrowser, "open", addresses.append)
    return addresses


def test_the_command_writes_the_page_and_opens_it(tmp_path, monkeypatch, capsys, opened):
    monkeypatch.setenv("DISPLAY", ":0")
    out = tmp_path / "new" / "lab.html"
    assert run(["lab", "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert capsys.readouterr().out.replace("\n", "") == f"The lab is in {out}."
    assert opened == [out.as_uri()]


def test_the_command_can_only_write(tmp_path, monkeypatch, capsys, opened):
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.chdir(tmp_path)
    assert run(["lab", "--no-open", "--lang", "zh"]) == 0
    assert run(["lab", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.partition("\n")[2]) == {"path": "lab.html"}
    assert opened == []


def test_a_folder_is_no_file(tmp_path, capsys):
    assert run(["lab", "--no-open", "--out", str(tmp_path)]) == 2
    told = capsys.readouterr().err.replace("\n", "")
    assert told == f"Error: {OptionError('error.lab_out_is_folder', path=tmp_path)}"


def test_python_writes_the_page_where_there_is_no_notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = wg.lab("neuron")
    assert page.path is not None and page.path.name == "lab.html" and page.path.exists()
    assert repr(page) == "Lab('lab.html')"
    assert wg.lab(out=tmp_path / "other.html").path == tmp_path / "other.html"


def test_in_a_notebook_the_page_shows_itself(tmp_path, monkeypatch, notebook):
    monkeypatch.chdir(tmp_path)
    notebook()
    page = wg.lab()
    assert isinstance(page, Lab) and page.path is None and list(tmp_path.iterdir()) == []
    frame = page._repr_html_()
    assert frame.startswith('<iframe srcdoc="&lt;!DOCTYPE html&gt;')
    assert f'title="{t("lab.title")}"' in frame and 'sandbox="allow-scripts' in frame
