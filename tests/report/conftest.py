"""Runs that reports are made of, a usual one and some that went nowhere; and reading a page."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import whygrad as wg
from whygrad.errors import NonFiniteError
from whygrad.report import write_report
from whygrad.settings import Settings

NASTY = '<script>alert("1")</script>'
SMALL = {"epochs": 2, "batch_size": 32, "record_every": 2}


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="session")
def digits(folder) -> wg.Run:
    """Images, two hidden layers, settings unlike the default."""
    network = wg.Network.create([64, 12, 8, 10], seed=1)
    return wg.train(network, wg.load("digits"), out=folder / "digits", l2=1e-4, **SMALL)


@pytest.fixture(scope="session")
def clones(folder) -> wg.Run:
    """A hidden layer that is one neuron, eight times over."""
    network = wg.Network.create([4, 8, 3], activation="tanh", init="constant:0.5")
    return wg.train(network, wg.load("iris"), out=folder / "clones", **SMALL)


@pytest.fixture(scope="session")
def dead(folder) -> wg.Run:
    """A hidden layer of relus that no sample opens."""
    network = wg.Network.create([4, 8, 3], bias_init="constant:-1000")
    return wg.train(network, wg.load("iris"), out=folder / "dead", **SMALL)


@pytest.fixture(scope="session")
def saturated(folder) -> wg.Run:
    network = wg.Network.create([4, 8, 3], activation="sigmoid", init="normal:50")
    return wg.train(network, wg.load("iris"), out=folder / "saturated", **SMALL)


@pytest.fixture(scope="session")
def numbers(folder) -> wg.Run:
    """Regression that may stop early."""
    data = wg.load("diabetes")
    network = wg.Network.create([data.n_in, 6, 1], activation="tanh")
    return wg.train(network, data, out=folder / "numbers", patience=1, **SMALL)


@pytest.fixture(scope="session")
def unrecorded(folder) -> wg.Run:
    settings = SMALL | {"record_every": 0}
    return wg.train(wg.Network.create([4, 6, 3]), wg.load("iris"), out=folder / "none", **settings)


@pytest.fixture(scope="session")
def one_step(folder) -> wg.Run:
    data = wg.load("xor", validation=0, test=0)
    network = wg.Network.create([2, 1])
    return wg.train(network, data, out=folder / "one", epochs=1, batch_size=10_000)


@pytest.fixture(scope="session")
def begun(folder) -> wg.Run:
    """A run that has not taken a step yet."""
    from whygrad.run.recorder import begin

    network = wg.Network.create([4, 6, 3])
    begin(folder / "begun", network, wg.load("iris"), Settings(), {"data": "iris"})
    return wg.open_run(folder / "begun")


@pytest.fixture(scope="session")
def failed(folder) -> wg.Run:
    network = wg.Network.create([4, 6, 6, 3])
    settings = SMALL | {"optimizer": "sgd", "learning_rate": 1e30}
    with pytest.raises(NonFiniteError):
        wg.train(network, wg.load("iris"), out=folder / "failed", **settings)
    return wg.open_run(folder / "failed")


@pytest.fixture(scope="session")
def nasty(folder) -> wg.Run:
    """Names that would break a page, or run in it, if they were taken for HTML."""
    generator = np.random.default_rng(0)
    data = wg.from_arrays(
        generator.normal(size=(60, 2)),
        np.arange(60) % 2,
        name=f"a & b {NASTY}",
        feature_names=[NASTY, '"><img src=x onerror=alert(2)>'],
        target_names=["</span>", "it's"],
        task="classes",
    )
    network = wg.Network.create([2, 3, 2])
    return wg.train(network, data, out=folder / "<b>&amp;'", origin={NASTY: NASTY}, **SMALL)


@pytest.fixture(scope="session")
def page_of(folder, request):
    """Return the report of a run, by the name of its fixture."""
    pages: dict[str, str] = {}

    def page(name: str) -> str:
        if name not in pages:
            run = request.getfixturevalue(name)
            pages[name] = write_report(run, folder / "pages" / f"{name}.html").read_text("utf-8")
        return pages[name]

    return page


VOID = ("br", "link", "meta")


@dataclass
class Node:
    tag: str
    attributes: dict[str, str | None]
    children: "list[Node | str]" = field(default_factory=list)

    def text(self, without: str | None = None) -> str:
        """Return the text inside, without what is in another language."""
        if without is not None and self.attributes.get("lang") == without:
            return ""
        parts = (c if isinstance(c, str) else c.text(without) for c in self.children)
        return "".join(parts)

    def all(self, tag: str) -> "list[Node]":
        """Return all elements of a kind inside, in order."""
        found = []
        for child in self.children:
            if isinstance(child, Node):
                found += [child] if child.tag == tag else []
                found += child.all(tag)
        return found

    def every(self) -> "list[Node]":
        """Return all elements inside, in order."""
        nodes = [child for child in self.children if isinstance(child, Node)]
        return [one for node in nodes for one in (node, *node.every())]


class Reader(HTMLParser):
    """Builds the tree, and fails where tags do not balance."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("root", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute stands twice in <{tag}>"
        node = Node(tag, dict(attrs))
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        assert any(node.tag == "svg" for node in self.open), f"<{tag}/> is no HTML"
        self.open[-1].children.append(Node(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        node = self.open.pop()
        assert node.tag == tag, f"</{tag}> closes <{node.tag}>"

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def tree(page: str) -> Node:
    """Return the tree of a page whose tags balance."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == [reader.root], f"<{reader.open[-1].tag}> is never closed"
    return reader.root


def cells(table: Node, language: str = "zh-Hans") -> list[list[str]]:
    """Return a table's cells as text, in the other language than ``language``."""
    return [
        [cell.text(language) for cell in row.every() if cell.tag in ("th", "td")]
        for row in table.all("tr")
    ]


@pytest.fixture(scope="session")
def read():
    """Return the function that reads a page into a tree, and fails where tags do not balance."""
    return tree


@pytest.fixture(scope="session")
def rows_of():
    """Return the function that reads a table as rows of texts."""
    return cells
