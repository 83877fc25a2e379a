"""The page as a whole: well-formed, self-contained, in two languages, safe, and there at all."""

import base64
import hashlib
import re

import pytest

import whygrad as wg
from whygrad.render.report import write_report
from whygrad.words import catalogue, speaking

pytestmark = pytest.mark.long

EVERY = (
    "digits",
    "clones",
    "dead",
    "saturated",
    "numbers",
    "unrecorded",
    "one_step",
    "begun",
    "failed",
    "nasty",
)
SECTIONS = [
    "looks",
    "summary",
    "measures",
    "diagnosis",
    "layers",
    "curves",
    "timelines",
    "neurons",
    "clones",
    "pictures",
    "ledgers",
    "configuration",
]
# What is the same in both languages: names of layers, options, functions, files and runs.
NAMES = re.compile(
    r"（[a-z]+）|"
    r"(hidden\d+|output)(\.\w+)?(\[[\d, ]+\])?|record_every=\d+|learning_rate|weight_decay|"
    r"relu|tanh|sigmoid|softmax|identity|adam|sgd|l2|inf|whygrad( doctor \S+)?|"
    r"\d[\d.]*e[\d−-]+|/\S+|pixel_\w+|"
    r"(network|training|data)\.\w+|he_normal|glorot_uniform|zeros|leaky_relu|Adam|--verify|"
    r"AUC|Brier|progression|"
    r"failed|x\d|(sepal|petal) (length|width) \(cm\)|setosa|versicolor|virginica|same|different|nan"
)


def section(root, name: str):
    return next(one for one in root.all("section") if one.attributes["id"] == name)


@pytest.mark.parametrize("name", EVERY)
def test_tags_balance_and_every_id_is_there_once(page_of, name, read):
    ids = [one.attributes["id"] for one in read(page_of(name)).every() if "id" in one.attributes]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", EVERY)
def test_all_sections_stand_in_their_order(page_of, name, read):
    root = read(page_of(name))
    assert [one.attributes["id"] for one in root.all("section")] == SECTIONS
    links = [one.attributes["href"] for one in root.all("nav")[0].all("a")]
    assert links == [f"#{name}" for name in SECTIONS]


@pytest.mark.parametrize("name", EVERY)
def test_nothing_comes_from_elsewhere(page_of, name, read):
    page = page_of(name)
    assert "://" not in page
    assert not re.findall(r"url\((?!#)", page)
    for one in read(page).every():
        links = [one.attributes.get(key) for key in ("src", "href", "xlink:href", "data")]
        assert all(
            link[:1] == "#" or link[:22] == "data:image/png;base64," for link in links if link
        )


@pytest.mark.parametrize("name", EVERY)
def test_what_a_reference_names_is_there(page_of, name, read):
    page = page_of(name)
    ids = {one.attributes.get("id") for one in read(page).every()}
    for one in read(page).every():
        keys = ("href", "aria-labelledby", "clip-path")
        named = [one.attributes.get(key) or "" for key in keys]
        targets = {re.sub(r"^url\(#|\)$|^#", "", value) for value in named}
        assert {t for t in targets if t and not t.startswith("data:")} <= ids


@pytest.mark.parametrize("name", EVERY)
def test_every_phrase_is_there_in_both_languages(page_of, name, read):
    said = [one for one in read(page_of(name)).every() if one.attributes.get("class") == "said"]
    tags = [one.attributes["lang"] for one in said]
    assert len(tags) > 50
    assert tags == ["en", "zh-Hans"] * (len(tags) // 2)
    for english, chinese in zip(said[::2], said[1::2], strict=True):
        assert not re.search(r"[\u4e00-\u9fff]", english.text())
        assert re.search(r"[\u4e00-\u9fff]", chinese.text())


@pytest.mark.parametrize("name", [name for name in EVERY if name != "nasty"])
def test_no_english_is_left_in_the_chinese(page_of, name, read):
    for one in read(page_of(name)).every():
        if one.attributes.get("class") == "said" and one.attributes["lang"] == "zh-Hans":
            assert re.findall(r"[A-Za-z]{2,}", NAMES.sub(" ", one.text())) == []


def test_names_are_text_wherever_they_stand(page_of, read):
    page = page_of("nasty")
    root = read(page)
    assert [one.tag for one in root.every()].count("script") == 1
    assert not [one for one in root.every() if one.tag == "img"]
    assert not [one for one in root.every() if any(key[:2] == "on" for key in one.attributes)]
    assert root.all("h1")[0].text() == "<b>&amp;'"
    assert 'a & b <script>alert("1")</script>' in section(root, "configuration").text()


def test_only_the_own_script_may_run(page_of, read):
    root = read(page_of("digits"))
    script = root.all("script")[0].text()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(m for m in root.all("meta") if m.attributes.get("http-equiv")).attributes
    assert policy["content"] == (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"base-uri 'none'; form-action 'none'; script-src 'sha256-{digest}'"
    )


def test_the_page_opens_in_the_language_in_use(one_step, tmp_path, read):
    with speaking("zh"):
        chinese = write_report(one_step, tmp_path / "zh.html").read_text("utf-8")
    english = write_report(one_step, tmp_path / "en.html").read_text("utf-8")
    assert read(chinese).all("html")[0].attributes == {"lang": "zh-Hans"}
    assert read(english).all("html")[0].attributes == {"lang": "en"}
    assert chinese.replace('<html lang="zh-Hans">', '<html lang="en">') == english


def test_the_same_run_gives_the_same_file(digits, page_of, tmp_path):
    again = write_report(digits, tmp_path / "deep" / "again.html")
    assert again == tmp_path / "deep" / "again.html"
    assert again.read_text("utf-8") == page_of("digits")


def test_progress_is_told_section_by_section(one_step, tmp_path):
    told = []
    write_report(one_step, tmp_path / "a.html", progress=lambda done, all: told.append((done, all)))
    assert told == [(i, len(SECTIONS)) for i in range(1, len(SECTIONS) + 1)]


def test_every_drawing_is_named_by_a_sentence(page_of, read):
    root = read(page_of("digits"))
    drawings = [one for one in root.all("svg") if one.attributes.get("role") == "img"]
    captions = {one.attributes["id"]: one for one in root.all("figcaption")}
    assert len(drawings) == 2 + 1 + 2 + 4 + 3 * 4 + 1 + 2
    for one in drawings:
        assert captions[one.attributes["aria-labelledby"]].text("zh-Hans").strip()
        assert not re.search(r"#01010\d", str(one))


def test_drawings_hold_no_sentence(page_of, read):
    for one in read(page_of("digits")).all("text"):
        assert re.fullmatch(r"hidden\d|output|[+−]?[\d.]+(e[−-]?\d+)?", one.text().strip())


@pytest.mark.parametrize("name", ["unrecorded", "begun"])
def test_without_records_the_page_says_so(page_of, name, read):
    root = read(page_of(name))
    for where in ("timelines", "neurons", "clones"):
        assert catalogue("en")["report.nothing_recorded"] in section(root, where).text()
        assert not section(root, where).all("svg")


def test_a_run_that_failed_says_why(page_of, failed, read):
    summary = section(read(page_of("failed")), "summary").text("zh-Hans")
    message = failed.description["failure"]["message"]
    assert message.replace(str(failed.path), failed.name) in summary  # not where it lies


def test_a_failure_that_nobody_knows_is_told_as_it_was_written():
    from whygrad.render.report.summary import _told

    assert _told({"key": "error.of_tomorrow", "message": "It rained."}) == "It rained."
    assert _told({"key": "error.not_finite", "message": "It rained."}) == "It rained."


def test_a_run_that_cannot_be_replayed_says_so(digits, monkeypatch, read):
    from whygrad.errors import RunError
    from whygrad.render.report import ledgers as telling
    from whygrad.render.report.material import Material

    error = RunError("error.replay_differs", step=78, layer="hidden1", path="here")

    def differs(material):
        raise error

    monkeypatch.setattr(telling, "explainable", differs)
    text = read(telling.section(Material(digits)).html()).text("zh-Hans")
    assert catalogue("en")["report.ledgers.no_replay"] in text
    assert str(error) in text


def test_the_lines_that_repeat_a_run_repeat_it(page_of, clones, read, monkeypatch):
    monkeypatch.chdir(clones.path.parent)
    code = section(read(page_of("clones")), "configuration").all("pre")[0].text()
    space: dict = {}
    exec(code, space)
    for layer, parameters in space["again"].network.parameters.items():
        for name, values in parameters.items():
            assert (values == clones.network.parameters[layer][name]).all()
    assert isinstance(space["again"], wg.Run)
