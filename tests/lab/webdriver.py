"""Firefox and WebKit by W3C WebDriver: as much of Playwright's page as the tests ask of one.

Playwright drives a Firefox and a WebKit that it patched itself. Debian's Firefox takes the commands
of WebDriver from a socket (Marionette, which geckodriver speaks, too); WebKitGTK from a driver of
its own, and draws on a display: one that is only in memory will do. Neither shows any motion.
"""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Protocol

PATIENCE = 60  # seconds that a script may take, on a machine that is busy
KEYS = {
    "Enter": "\ue007", "End": "\ue010", "Home": "\ue011", "Tab": "\ue004", "Escape": "\ue00c",
    "ArrowLeft": "\ue012", "ArrowUp": "\ue013", "ArrowRight": "\ue014", "ArrowDown": "\ue015",
}  # fmt: skip

# A string is an expression, or a function that is called with what it is given.
EVALUATE = """
const [given, done] = arguments;
const call = one => (typeof one === "function" ? one(given) : one);
(async () => call(%s))().then(value => done({ value }), error => done({ error: String(error) }));
"""
UNTIL = """async given => {
  const is = %s;
  while (!(typeof is === "function" ? is(given) : is)) await new Promise(requestAnimationFrame);
}"""
FOUND = """async selector => {
  while (!document.querySelector(selector)) await new Promise(requestAnimationFrame);
  return (%s)(document.querySelector(selector));
}"""
REQUESTS = "performance.getEntriesByType('resource').map(one => `asked for ${one.name}`)"


class Browser(Protocol):
    """What a page needs of its browser: five commands, and what went wrong in its pages."""

    def send(self, command: str, body: dict) -> Any: ...

    def problems(self) -> list[str]: ...


class Page:
    """The only page of a browser."""

    def __init__(self, browser: Browser):
        self.browser = browser
        self.mouse, self.keyboard = Mouse(browser), Keyboard(browser)
        browser.send("SetTimeouts", {"script": 1000 * PATIENCE})

    def goto(self, address: str) -> None:
        self.browser.send("Navigate", {"url": address})

    def evaluate(self, script: str, given: Any = None) -> Any:
        told = self.browser.send(
            "ExecuteAsyncScript", {"script": EVALUATE % script, "args": [given]}
        )
        assert "error" not in told, told["error"]
        return told.get("value")

    def wait_for_function(self, script: str, *, arg: Any = None) -> None:
        self.evaluate(UNTIL % script, arg)

    def wait_for_selector(self, selector: str) -> None:
        self.locator(selector).evaluate("one => null")

    def locator(self, selector: str) -> "Locator":
        return Locator(self, selector)

    def resize(self, width: int, height: int) -> None:
        """Give the page itself a size; the window has a frame around it."""
        self.browser.send("SetWindowRect", {"width": width, "height": height})
        inner = self.evaluate("[innerWidth, innerHeight]")
        whole = {"width": 2 * width - inner[0], "height": 2 * height - inner[1]}
        self.browser.send("SetWindowRect", whole)
        self.wait_for_function("width => innerWidth === width", arg=width)

    def problems(self) -> list[str]:
        """Return what was said in the console, and every request."""
        return [*self.browser.problems(), *self.evaluate(REQUESTS)]


class Locator:
    """The first element of a selector, once there is one."""

    def __init__(self, page: Page, selector: str):
        self.page, self.selector = page, selector

    @property
    def first(self) -> "Locator":
        return self

    def evaluate(self, script: str) -> Any:
        return self.page.evaluate(FOUND % script, self.selector)

    def get_attribute(self, name: str) -> str | None:
        return self.evaluate(f"one => one.getAttribute({name!r})")

    def inner_text(self) -> str:
        return self.evaluate("one => one.innerText")

    def focus(self) -> None:
        self.evaluate("one => one.focus()")

    def scroll_into_view_if_needed(self) -> None:
        self.evaluate("one => one.scrollIntoView({ block: 'nearest' })")

    def click(self) -> None:
        self.scroll_into_view_if_needed()
        box = self.evaluate("one => one.getBoundingClientRect().toJSON()")
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        self.page.mouse.down()
        self.page.mouse.up()


class Mouse:
    def __init__(self, browser: Browser):
        self.browser = browser
        self.at = (0.0, 0.0)

    def act(self, *actions: dict) -> None:
        source = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}}
        self.browser.send("PerformActions", {"actions": [source | {"actions": actions}]})

    def move(self, x: float, y: float, *, steps: int = 1) -> None:
        (left, top), self.at = self.at, (x, y)
        shares = [i / steps for i in range(1, steps + 1)]
        places = [(left + share * (x - left), top + share * (y - top)) for share in shares]
        moves = [{"x": round(x), "y": round(y)} for x, y in places]
        self.act(*({"type": "pointerMove", "duration": 0} | move for move in moves))

    def down(self) -> None:
        self.act({"type": "pointerDown", "button": 0})

    def up(self) -> None:
        self.act({"type": "pointerUp", "button": 0})


class Keyboard:
    def __init__(self, browser: Browser):
        self.browser = browser

    def press(self, key: str) -> None:
        value = KEYS.get(key, key)
        actions = [{"type": kind, "value": value} for kind in ("keyDown", "keyUp")]
        source = {"type": "key", "id": "keyboard", "actions": actions}
        self.browser.send("PerformActions", {"actions": [source]})


# --- Firefox ----------------------------------------------------------------------------------

FIREFOX = Path("/usr/bin/firefox-esr")
PREFERENCES = {
    "ui.prefersReducedMotion": 1,
    "intl.accept_languages": "en-US",
    "browser.aboutwelcome.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
}
# Errors and warnings of files, and what they wrote to the console.
CONSOLE = """
const storage = Cc["@mozilla.org/consoleAPI-storage;1"].getService(Ci.nsIConsoleAPIStorage);
const said = storage.getEvents().map(({ filename, arguments: all }) => [filename, all.join(" ")]);
const failed = Services.console.getMessageArray().filter(one => one instanceof Ci.nsIScriptError);
storage.clearEvents();
Services.console.reset();
return [...said, ...failed.map(one => [one.sourceName, one.errorMessage])]
  .filter(([file]) => file.startsWith("file:")).map(([, text]) => text);
"""


class Firefox:
    def __init__(self, port: int):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=2 * PATIENCE)
        self.stream = self.socket.makefile("rb")
        self.count = 0
        self._read()  # it says who it is
        self.send("NewSession", {})

    def send(self, command: str, body: dict) -> Any:
        return self._send(f"WebDriver:{command}", body)

    def _send(self, command: str, body: dict) -> Any:
        self.count += 1
        text = json.dumps([0, self.count, command, body]).encode()
        self.socket.sendall(b"%d:%s" % (len(text), text))
        _, _, error, result = self._read()
        assert error is None, error
        return result.get("value")

    def _read(self) -> Any:
        size = b""
        while (digit := self.stream.read(1)) != b":":
            assert digit, "Firefox has ended"
            size += digit
        return json.loads(self.stream.read(int(size)))

    def close(self) -> None:
        self.stream.close()
        self.socket.close()

    def problems(self) -> list[str]:
        self._send("Marionette:SetContext", {"value": "chrome"})
        found = self.send("ExecuteScript", {"script": CONSOLE, "args": []})
        self._send("Marionette:SetContext", {"value": "content"})
        return found


@contextmanager
def firefox(folder: Path) -> Iterator[Firefox]:
    """Run a Firefox whose settings are kept in a folder."""
    port = _free_port()
    lines = [
        f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
        for name, value in (PREFERENCES | {"marionette.port": port}).items()
    ]
    (folder / "user.js").write_text("".join(lines))
    switches = ("--headless", "--marionette", "--remote-allow-system-access", "--no-remote")
    with _running([str(FIREFOX), *switches, "--profile", str(folder)]) as process:
        _await(process, port)
        browser = Firefox(port)
        yield browser
        browser.close()


# --- WebKit -----------------------------------------------------------------------------------

NEEDED = ("WebKitWebDriver", "Xvfb")
MINI_BROWSERS = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))
CALM = "[Settings]\ngtk-enable-animations=0\n"
# without a graphics card, putting layers together takes twenty times as long as drawing them
ENVIRONMENT = {"LANG": "en_US.UTF-8", "WEBKIT_DISABLE_COMPOSITING_MODE": "1"}
PATHS = {
    "Navigate": "/url",
    "ExecuteScript": "/execute/sync",
    "ExecuteAsyncScript": "/execute/async",
    "PerformActions": "/actions",
    "SetTimeouts": "/timeouts",
    "SetWindowRect": "/window/rect",
}


# Its driver does not hand the console over: what a page says is noted there, once it is open.
LISTEN = """
window.problems = [];
for (const name of ["error", "unhandledrejection", "securitypolicyviolation"])
  addEventListener(name, ({ message, reason, blockedURI }) =>
    problems.push(String(message ?? reason ?? blockedURI)));
for (const name of ["log", "info", "warn", "error", "debug"])
  console[name] = (...all) => problems.push(all.join(" "));
"""


class WebKit:
    def __init__(self, port: int):
        self.connection = HTTPConnection("127.0.0.1", port, timeout=2 * PATIENCE)
        options = {"binary": str(MINI_BROWSERS[-1]), "args": ["--automation"]}
        wanted = {"alwaysMatch": {"webkitgtk:browserOptions": options}}
        self.session = self._ask("POST", "/session", {"capabilities": wanted})["sessionId"]

    def send(self, command: str, body: dict) -> Any:
        value = self._ask("POST", f"/session/{self.session}{PATHS[command]}", body)
        if command == "Navigate":
            self.send("ExecuteScript", {"script": LISTEN, "args": []})
        return value

    def close(self) -> None:
        self._ask("DELETE", f"/session/{self.session}")
        self.connection.close()

    def _ask(self, method: str, path: str, body: dict | None = None) -> Any:
        self.connection.request(method, path, body and json.dumps(body))
        response = self.connection.getresponse()
        value = json.loads(response.read())["value"]
        assert response.status == 200, value
        return value

    def problems(self) -> list[str]:
        return self.send("ExecuteScript", {"script": "return problems;", "args": []})


def missing_of_webkit() -> str | None:
    """Return what of WebKit and its driver is not on this machine."""
    programs = [name for name in NEEDED if shutil.which(name) is None]
    return ", ".join(programs + ([] if MINI_BROWSERS else ["MiniBrowser"])) or None


@contextmanager
def webkit(folder: Path) -> Iterator[WebKit]:
    """Run a WebKit whose settings are kept in a folder."""
    settings = folder / "gtk-3.0" / "settings.ini"
    settings.parent.mkdir()
    settings.write_text(CALM)
    homes = {f"XDG_{kind}_HOME": str(folder) for kind in ("CONFIG", "DATA", "CACHE")}
    port = _free_port()
    with ExitStack() as stack:
        display = stack.enter_context(_display())
        environment = os.environ | ENVIRONMENT | homes | {"DISPLAY": display}
        command = ["WebKitWebDriver", f"--port={port}"]
        _await(stack.enter_context(_running(command, env=environment)), port)
        browser = WebKit(port)
        yield browser
        browser.close()


@contextmanager
def _display() -> Iterator[str]:
    """Run a display in memory, and return its name once it is there."""
    reading, writing = os.pipe()
    screen = ["-screen", "0", "1600x1200x24", "-nolisten", "tcp"]
    with _running(["Xvfb", "-displayfd", str(writing), *screen], pass_fds=[writing]):
        os.close(writing)
        with os.fdopen(reading) as told:
            name = told.readline().strip()
        assert name, "there is no display"
        yield f":{name}"


@contextmanager
def _running(command: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "text": True}
    process = subprocess.Popen(command, **(quiet | options))
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _await(process: subprocess.Popen[str], port: int) -> None:
    """Wait until a process listens; one that has ended is not waited for."""
    while process.poll() is None:
        with suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", port)).close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    raise AssertionError(f"{process.args} ended with {process.returncode}")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
