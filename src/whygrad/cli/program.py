"""The process in which somebody's program runs, watched: ``python -m whygrad.cli.program``.

The program finds what it would find without us: its arguments, its folder first on the path, itself
as ``__main__``, until the process has ended; its exit code and its traceback are its own. Nothing
but the standard library is imported before it imports torch, for what NumPy and torch do when they
are imported depends on variables that a program may set first.
"""

import importlib.util
import io
import json
import os
import pkgutil
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whygrad.capture.session import Session

FAILED = 1


class AfterImport(MetaPathFinder):
    """Calls something as soon as a package has been imported, before who imports it goes on."""

    def __init__(self, package: str, then: Callable[[], None]):
        self._package, self._then = package, then

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name != self._package:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        loader: Any = None if spec is None else spec.loader
        if loader is None:
            return spec
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module
            execute(module)
            self._then()

        loader.exec_module = exec_module
        return spec


class Watching:
    """What looks on in this process, from the moment that torch is there.

    Args:
        options: as :func:`whygrad.cli.watching.options_of` writes them.
    """

    def __init__(self, options: dict[str, Any]):
        self.options = options
        self.session: Session | None = None
        self._problem: str | None = None

    def attach(self) -> None:
        """Begin, now or as soon as torch has been imported."""
        if "torch" in sys.modules:
            self._begin()
        else:
            sys.meta_path.insert(0, AfterImport("torch", self._begin))

    def _begin(self) -> None:
        try:
            from whygrad import leaving_random_numbers

            with leaving_random_numbers():
                from whygrad.cli.watching import begin_session

                self.session = begin_session(self.options)
        except Exception as error:  # no error of ours ends a program
            self._problem = f"{type(error).__name__}: {error}"

    def end(self, error: BaseException | None) -> int:
        """Finish the runs, tell of them on stderr, and return 1 if something was found, else 0."""
        from whygrad.cli.watching import end_session

        return end_session(self.options, self.session, error, self._problem)


def main() -> None:
    """Run a program as Python would, watched."""
    options: dict[str, Any] = json.loads(sys.argv[1])
    watching, process = Watching(options), os.getpid()
    try:
        _run(sys.argv[2], sys.argv[3:], watching)
    except BaseException as error:
        error.__traceback__ = _without_us(error.__traceback__)
        _print_as_python(error)
        found = _end(watching, process, error)
        if isinstance(error, SystemExit):
            sys.exit(_code_of(error) or found)
        raise
    sys.exit(_end(watching, process, None))


def _run(program: str, arguments: list[str], watching: Watching) -> None:
    is_module = watching.options["module"]
    code, module = _as_module(program) if is_module else _as_script(program)
    sys.argv = [str(module.__file__) if is_module else program, *arguments]
    sys.modules["__main__"] = module
    watching.attach()
    exec(code, vars(module))


def _print_as_python(error: BaseException) -> None:
    """Print now what Python would print as it ends: what we have to say comes after it."""
    if not isinstance(error, SystemExit):
        sys.excepthook(type(error), error, error.__traceback__)
        sys.excepthook = lambda *_: None  # once is enough
    elif not isinstance(error.code, int | None):
        print(error.code, file=sys.stderr)


def _code_of(leave: SystemExit) -> int:
    if leave.code is None or isinstance(leave.code, int):
        return leave.code or 0
    return FAILED


def _end(watching: Watching, process: int, error: BaseException | None) -> int:
    if os.getpid() != process:  # a fork that came to the end of the program, too
        if watching.session is not None:
            watching.session.detach(error)
        return 0
    with suppress(KeyboardInterrupt):  # whoever interrupts again has no time
        for thread in threading.enumerate():  # Python would wait for them next
            if thread is not threading.current_thread() and not thread.daemon:
                if not _is_of_a_pool(thread):
                    thread.join()
        return watching.end(error)
    return 0


def _is_of_a_pool(thread: threading.Thread) -> bool:
    """Return whether a thread waits for work of an executor, until Python tells it to end."""
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None:
        if frame.f_globals.get("__name__") == "concurrent.futures.thread":
            return True
        frame = frame.f_back
    return False


def _as_script(path: str) -> tuple[CodeType, ModuleType]:
    """Return the code of a file, folder or archive, and the module that it is to run in."""
    importer: Any = pkgutil.get_importer(path)
    spec = importer.find_spec("__main__") if hasattr(importer, "find_spec") else None
    if spec is not None:
        _first_on_path(path)
        return _of_spec(spec)
    whole = str(Path(path).absolute())
    _first_on_path(str(Path(path).resolve().parent))
    module = _module(None, whole, SourceFileLoader("__main__", whole))
    with io.open_code(whole) as file:
        return compile(file.read(), whole, "exec", dont_inherit=True), module


def _as_module(name: str) -> tuple[CodeType, ModuleType]:
    """Return the code of a module, or of a package's ``__main__``, and a module to run it in."""
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = importlib.util.find_spec(f"{name}.__main__")
    if spec is None:
        raise ModuleNotFoundError(f"No module named {name}", name=name)
    return _of_spec(spec)


def _of_spec(spec: ModuleSpec) -> tuple[CodeType, ModuleType]:
    loader: Any = spec.loader
    module = _module(spec, spec.origin or "", loader)
    module.__package__ = spec.parent
    return loader.get_code(spec.name), module


def _module(spec: ModuleSpec | None, file: str, loader: Any) -> ModuleType:
    module = ModuleType("__main__")
    module.__file__, module.__loader__, module.__spec__ = file, loader, spec
    vars(module)["__builtins__"] = sys.modules["builtins"]
    vars(module)["__annotations__"], vars(module)["__cached__"] = {}, spec and spec.cached
    return module


def _first_on_path(folder: str) -> None:
    if not sys.flags.safe_path:
        sys.path[0] = folder


def _without_us(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback from the program's first frame on."""
    while trace is not None and trace.tb_frame.f_globals is globals():
        trace = trace.tb_next
    return trace


if __name__ == "__main__":
    main()
