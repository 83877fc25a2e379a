"""What all tests share: checked types, drawn cases that are the same every time, float64, pages
read into trees."""

import builtins
import ctypes
import gc
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from html.parser import HTMLParser
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

os.environ.setdefault("JAX_PLATFORMS", "cpu")  # before jax is first imported
os.environ["WHYGRAD_LANG"] = "en"  # messages are matched whole
# Compiling is half of the time; what must hold to the bit is tried again as users compile it.
if os.environ.get("WHYGRAD_COMPILED") != "as users do":
    os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
    flags = ["--xla_cpu_parallel_codegen_split_count=1"]
    if int(version("jaxlib").split(".")[1]) < 11:  # later ones end at a flag that they lack
        flags.append("--xla_cpu_use_fusion_emitters=false")
    os.environ.setdefault("XLA_FLAGS", " ".join(flags))
# Two processes with a thread for every core each would wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# What one test compiles, another does not compile again, nor does the next run.
os.environ.setdefault(
    "JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache" / "compiled")
)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

import jaxtyping
import pytest
from beartype import BeartypeConf, beartype
from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

# A shell lets what it starts in the background ignore Ctrl-C; the tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):  # and nohup lets it ignore this one
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))  # a whole number is a float, too


def functions_only(function: Callable) -> Callable:
    """Check a function's arguments and result, but not the fields of records.

    JAX rebuilds records with whatever stands for an array at the moment: None, a shape, an axis.
    A function within one would be compiled for its checks at every call of that one: in each step.
    """
    is_inside = "<locals>" in function.__qualname__
    return function if function.__name__ == "__init__" or is_inside else checked(function)


checks = ModuleType("whygrad_checks")  # the hook takes its checker by name
checks.__dict__["functions_only"] = functions_only
sys.modules["whygrad_checks"] = checks
SOURCE = Path(__file__).parents[1] / "src"
UNCHECKED = ("render", "lessons/experiments", "lessons/rendering")  # they draw what was checked


def with_arrays() -> list[str]:
    """Return the modules that annotate arrays: checking every call took a third of the time."""
    found = []
    for path in (SOURCE / "whygrad").rglob("*.py"):
        room = path.relative_to(SOURCE / "whygrad").as_posix()
        if not room.startswith(UNCHECKED) and "jaxtyping" in path.read_text("utf-8"):
            found.append(".".join(path.relative_to(SOURCE).with_suffix("").parts))
    return found


if os.environ.get("WHYGRAD_CHECKED") != "no":
    install_import_hook(with_arrays(), "whygrad_checks.functions_only")

settings.register_profile(
    "whygrad",
    deadline=None,  # the first example compiles
    derandomize=True,
    database=None,
    max_examples=int(os.environ.get("WHYGRAD_EXAMPLES", "3")),  # of an everyday run
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("whygrad")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is tried in part by day: drawn cases, and of what is sampled all but the first.

    ``sampled(6)`` means all but the first six.
    """
    seen: Counter[str] = Counter()
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker(pytest.mark.drawn)
        if (sampled := item.get_closest_marker("sampled")) is not None:
            test = item.nodeid.partition("[")[0]
            if seen[test] >= (sampled.args[0] if sampled.args else 1):
                item.add_marker(pytest.mark.again)
            seen[test] += 1


MANY = 8_000  # memory maps; Linux gives a process 65 530, and each compiled program takes several


@pytest.fixture(autouse=True, scope="module")
def let_go_of_programs() -> Iterator[None]:
    """Let go of compiled programs after a file that left many.

    Thousands of tests in one process would fill its memory, and then its table of memory maps,
    whereupon XLA ends it. What is freed goes back to the system: half of it stays otherwise.
    """
    yield
    jax, maps = sys.modules.get("jax"), Path("/proc/self/maps")
    if jax and maps.exists() and maps.read_bytes().count(b"\n") > MANY:
        jax.clear_caches()
        gc.collect()
        with suppress(AttributeError, OSError):  # the one of glibc
            ctypes.CDLL(None).malloc_trim(0)


@pytest.fixture(scope="module")
def unchecked() -> Iterator[None]:
    """Leave types alone where steps are taken by the million: others check the same functions."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture
def float64() -> Iterator[None]:
    """Let JAX compute in float64 for one test."""
    import jax

    with jax.enable_x64(True):
        yield


@pytest.fixture(params=["jax", "numpy"])
def engine(request, monkeypatch) -> str:
    """Train with one engine and then the other, whatever the size of a job."""
    from whygrad.core.numpy_stages import can_take
    from whygrad.training import loop

    def asked_for(settings, *job) -> str:
        return request.param if can_take(settings) else "jax"

    monkeypatch.setattr(loop, "engine_for", asked_for)
    return request.param


class ZMQInteractiveShell:
    """What libraries know a notebook by: the name of the class of its shell."""


@pytest.fixture
def notebook(monkeypatch) -> Callable[[], None]:
    """Return what makes a test run as in a notebook from there on."""
    return lambda: monkeypatch.setattr(builtins, "get_ipython", ZMQInteractiveShell, raising=False)


BROWSERS = ("chromium-headless-shell", "chromium")  # the first draws no window around a page
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def chromium():
    """The browser. Its event loop ends with the file: a process can run no second one beside it."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"there is neither {' nor '.join(BROWSERS)} on this machine")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*SWITCHES])
        yield browser
        browser.close()


AXE = Path(__file__).parent / "vendor" / "axe.min.js"
ONLY = "{resultTypes: ['violations']}"  # describing what passes takes thirty times as long
# a page of the lab unpacks itself before it draws
IS_DRAWN = "() => !document.getElementById('packed') || document.querySelector('#lab main')"
AT_HOME = ("file:", "data:", "blob:", "about:")  # addresses that lead nowhere


@pytest.fixture
def show(chromium) -> Iterator[Callable]:
    """Return the function that opens a file; at the end nothing may have gone wrong in it."""
    opened, problems = [], []

    def show(path: Path, hash: str = "", *, width: int = 1280, height: int = 900, **settings):
        size = {"width": width, "height": height}
        context = chromium.new_context(viewport=size, **{"locale": "en-US", **settings})
        context.set_default_timeout(8000)
        opened.append(context)
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: _must_be_local(request.url, problems))
        page.goto(f"{path.as_uri()}{hash}")
        if settings.get("java_script_enabled", True):
            page.wait_for_function(IS_DRAWN)
        return page

    yield show
    for context in opened:
        context.close()
    assert problems == []


def _must_be_local(url: str, problems: list[str]) -> None:
    if not url.startswith(AT_HOME):
        problems.append(f"asked for {url}")


@pytest.fixture(scope="session")
def axe() -> Callable:
    """Return the function that lists what axe finds on a page."""
    script = AXE.read_text(encoding="utf-8")

    def findings(page, inside: str = "html") -> list[str]:
        page.evaluate(script)
        found = page.evaluate(f"inside => axe.run(inside, {ONLY})", inside)
        return [
            f"{one['id']}: {node['html'][:200]}: {node['failureSummary']}"
            for one in found["violations"]
            for node in one["nodes"]
        ]

    return findings


VOID = ("br", "input", "link", "meta")


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
        foreign = any(node.tag in ("svg", "math") for node in self.open)
        assert foreign, f"<{tag}/> is no HTML"
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
