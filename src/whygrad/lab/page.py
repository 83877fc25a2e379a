"""The lab as a page: which rooms it has, what it opens with, where it goes."""

import json
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from whygrad.errors import InputError, OptionError, in_short, unknown_name
from whygrad.lab.pack import STATIC, pack
from whygrad.record.files import write_whole
from whygrad.words import LANGUAGES, catalogue, language, language_of, speaking, t
from whygrad.words.markup import TAGS, both

if TYPE_CHECKING:
    from whygrad.runs import Run

Progress = Callable[[int, int], None]
RECORDED = "recorded"  # the room of a run, which is there where a run is given
ORDER = ("neuron", "forces", "copying", "biases", "batch", "gpu")  # that of the notes
PREFIX = "lab."  # of the words of the page
EXAMPLE = '{"room": "neuron", "set": {"input": 4}}'  # of a scene
LONGEST = 1_000_000  # bytes of a scene's file
ROWS = 1  # sample of a reference whose numbers before the mean travel with the page
HEIGHT = 900  # of the frame in a notebook, in pixels
NONE: Mapping[int, bool] = MappingProxyType({})


def rooms() -> tuple[str, ...]:
    """Return the rooms that there are, in order."""
    return tuple(name for name in ORDER if STATIC.joinpath("rooms", f"{name}.js").is_file())


def tasks(room: str) -> tuple[str, ...]:
    """Return the tasks of a room: those that the catalogue tells of."""
    return _told_of(f"{PREFIX}{room}.task.")


def all_tasks() -> tuple[str, ...]:
    """Return the tasks of all rooms."""
    return tuple(name for room in rooms() for name in tasks(room))


@cache
def all_quizzes() -> tuple[str, ...]:
    """Return the quizzes of all rooms, each as ``room.quiz``, in the order of codes."""
    names = ((room, _told_of(f"{PREFIX}{room}.quiz.")) for room in rooms())
    return tuple(f"{room}.{name}" for room, all_of_room in names for name in sorted(all_of_room))


def _told_of(prefix: str) -> tuple[str, ...]:
    """Return what the catalogue tells of below a prefix, each once."""
    names = (key.removeprefix(prefix) for key in catalogue("en") if key.startswith(prefix))
    return tuple(dict.fromkeys(name.partition(".")[0] for name in names))


@dataclass(frozen=True)
class Lab:
    """A page of the lab. In a notebook it shows itself.

    Attributes:
        html: the page.
        path: the file that it was written to, if it was.
    """

    html: str
    path: Path | None = None

    def write(self, path: str | Path) -> "Lab":
        """Write the page to a file; folders on the way to it are made."""
        out = Path(path)
        if out.is_dir():
            raise OptionError("error.lab_out_is_folder", path=out)
        out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(out, self.html.encode())
        return Lab(self.html, out)

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{escape(self.html)}" title="{t("lab.title")}" '
            f'style="width: 100%; height: {HEIGHT}px; border: 0" '
            'sandbox="allow-scripts allow-downloads allow-modals"></iframe>'
        )

    def __repr__(self) -> str:
        return f"Lab({str(self.path)!r})" if self.path else "Lab()"


def lab(
    room: "str | Run | None" = None,
    *,
    run: "Run | None" = None,
    steps: Sequence[int] | None = None,
    lang: str | None = None,
    out: str | Path | None = None,
    scene: Mapping[str, Any] | str | Path | None = None,
    slides: bool = False,
    task: str | None = None,
    lock: bool = False,
) -> Lab:
    """Return the lab: a page on which every number of back-propagation can be touched.

    In a notebook the page shows itself. It is written to ``out``, and outside of notebooks to
    ``lab.html`` without it.

    Args:
        room: the one to open with: neuron, …. A run may stand in its place.
        run: one to walk through, trained or watched: the page shows its recorded steps.
        steps: the recorded steps of the run to hold whole, with their samples and weights;
            default: a few that are worth a look.
        lang: ``en`` or ``zh``; default: that of the reader's browser. Both can be chosen in it.
        out: the file to write.
        scene: where the controls of a room stand at the start, as a dictionary or a JSON file:
            ``{"room": "neuron", "set": {"input": 4}}``. One of a room that learns from samples may
            bring its own as ``data``, a list of rows, the target in the last column, and with
            ``head`` the names of the columns.
        slides: show the room as slides that ← and → turn.
        task: a task of a room to open with, or a room to take the first one of.
        lock: hide what the task does not need.

    Raises:
        OptionError: a name that is not there, a scene that is none, or more steps than fit.
        AddressError: a step was not recorded, or nothing was kept of it to be shown whole.
        RunError: nothing was recorded of the run, it is damaged, or a step does not replay.

    Example:
        >>> page = wg.lab("neuron", out="lab.html")  # doctest: +SKIP
    """
    if room is not None and not isinstance(room, str):
        room, run = None, room
    html = as_page(
        room, run=run, steps=steps, lang=lang, scene=scene, slides=slides, task=task, lock=lock
    )
    page = Lab(html)
    if out is None and is_notebook():
        return page
    return page.write(out or "lab.html")


def as_page(
    room: str | None = None,
    *,
    run: "Run | None" = None,
    steps: Sequence[int] | None = None,
    only: Collection[str] | None = None,
    linked: Mapping[int, bool] = NONE,
    progress: Progress | None = None,
    lang: str | None = None,
    scene: Mapping[str, Any] | str | Path | None = None,
    slides: bool = False,
    task: str | None = None,
    lock: bool = False,
    languages: tuple[str, ...] = LANGUAGES,
) -> str:
    """Return the page as HTML; the arguments are those of :func:`lab`.

    Args:
        only: the rooms that the page has, beside that of a run; default: all. Without any of them
            no JAX is needed, unless to replay the run.
        linked: steps of the run that another page leads to, and whether each is wanted whole.
        progress: called with how many parts of the run are packed, and how many there are.
        languages: those whose words are packed.
    """
    offered = tuple(name for name in rooms() if only is None or name in only)
    there = offered if run is None else (RECORDED, *offered)
    if room is not None and room not in there:
        raise unknown_name("room", room, there)
    if lang is not None and lang not in LANGUAGES:
        raise unknown_name("language", lang, LANGUAGES)
    if lock and task is None:
        raise OptionError("error.lab_lock")
    if steps and run is None:
        raise OptionError("error.lab_steps_without_run")
    of_task, task = _found_task(task, there)
    given = _read_scene(scene, there)
    data = {
        "room": given.get("room") or of_task or room or there[0],
        "rooms": there,
        "language": TAGS[language_of(lang)] if lang else None,
        **(_computed(offered) if offered else {"facts": {}, "references": []}),
        "quizzes": all_quizzes(),
        "words": {TAGS[name]: _words(name, there) for name in languages},
        "scene": given.get("set", {}),
        "look": str(given.get("look", "")),
        "samples": _samples(given, task),
        "slides": slides,
        "task": task,
        "lock": lock,
    }
    if run is not None:
        from whygrad.lab.recorded import recording

        data[RECORDED] = recording(run, steps=steps, linked=linked, progress=progress)
    otherwise = both(lambda: t("lab.needs"))
    with speaking(lang or language()):
        title, tag, styles = t("lab.title"), TAGS[language()], _styles(there)
        return pack(title, tag, _entry(there), styles, data, f"<p>{otherwise}</p>")


def _computed(own: tuple[str, ...]) -> dict[str, Any]:
    """Return what whygrad and JAX find in the scenes of rooms, for the page to compare with."""
    # not at the top: whoever asks for help, or for the names of rooms, does not wait for JAX
    from whygrad.lab.facts import FACTS
    from whygrad.lab.reference import reference
    from whygrad.lab.scenes import SCENES

    references = (
        {"room": name} | reference(SCENES[name](), rows=ROWS) for name in own if name in SCENES
    )
    facts = {name: FACTS[name]() for name in own if name in FACTS}
    return {"facts": facts, "references": _once(references)}


def _entry(there: tuple[str, ...]) -> str:
    """Return the first module of the page, which starts it with its rooms."""
    imports = [f'import {{ room as {name} }} from "./rooms/{name}.js";' for name in there]
    start = ['import { start } from "./app.js";', *imports, f"start([{', '.join(there)}]);", ""]
    return "\n".join(start)


def _styles(there: tuple[str, ...]) -> list[str]:
    """Return the names of the stylesheets of the page and its rooms."""
    own = (f"rooms/{name}.css" for name in there)
    return ["style.css", *(name for name in own if STATIC.joinpath(name).is_file())]


def _once(references: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return references of which each batch is told once; others name the room that tells it."""
    found: list[dict[str, Any]] = []
    for one in references:
        earlier = [other["room"] for other in found if other["batch"] == one["batch"]]
        found.append(one | {"batch": earlier[0]} if earlier else one)
    return found


def _words(language: str, there: tuple[str, ...]) -> dict[str, str]:
    words = catalogue(language)
    found = {
        key.removeprefix(PREFIX): text for key, text in words.items() if key.startswith(PREFIX)
    }
    is_left_out = RECORDED not in there
    return {k: v for k, v in found.items() if not (is_left_out and k.startswith(f"{RECORDED}."))}


def _found_task(task: str | None, there: tuple[str, ...]) -> tuple[str | None, str | None]:
    """Return the room of a task, and its name; a room's own name stands for its first task."""
    if task is None:
        return None, None
    known = {name: one for one in there for name in tasks(one)}
    known |= {one: one for one in there if tasks(one)}
    if task not in known:
        raise unknown_name("task", task, list(known))
    return known[task], task


def _read_scene(
    scene: Mapping[str, Any] | str | Path | None, there: tuple[str, ...]
) -> Mapping[str, Any]:
    if scene is None:
        return {}
    given: Any = _read_json(Path(scene)) if isinstance(scene, str | Path) else scene
    if not isinstance(given, Mapping) or not isinstance(given.get("set", {}), Mapping):
        raise OptionError("error.lab_scene", actual=type(given).__name__, example=EXAMPLE)
    if given.get("room") not in there:
        raise unknown_name("room", given.get("room"), there)
    return given


def _read_json(path: Path) -> Any:
    """Return what a file holds.

    Raises:
        InputError: it is no ordinary file, cannot be read, or is no JSON.
    """
    from whygrad.data.source import read_given

    try:
        return json.loads(read_given(path, LONGEST))
    except InputError:
        raise
    except OSError:
        raise OptionError("error.lab_scene_unreadable", path=path, example=EXAMPLE) from None
    except (ValueError, RecursionError) as error:
        why = in_short(error)
        raise OptionError("error.lab_scene_unread", path=path, why=why, example=EXAMPLE) from None


def _samples(scene: Mapping[str, Any], task: str | None) -> dict[str, Any] | None:
    """Return the samples of a scene; whether a task can be solved depends on those of its room."""
    if "data" not in scene:
        return None
    from whygrad.lab.own import samples

    found = samples(scene)
    if task:
        raise OptionError("error.lab_data_task")
    return found


def is_notebook() -> bool:
    """Return whether a notebook runs this: IPython puts its shell's class in the way of all."""
    shell = sys.modules["builtins"].__dict__.get("get_ipython")
    return shell is not None and type(shell()).__name__ == "ZMQInteractiveShell"
