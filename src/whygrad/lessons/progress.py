"""A bar on stderr for as long as a lesson takes, where someone looks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from whygrad.words.terminal import Console

Tick = Callable[[str, float], None]  # takes what is under way, and the share that is done


@contextmanager
def progress(doing: str) -> Iterator[Tick]:
    """Show a bar; it disappears at the end, and only a terminal gets one."""
    columns = TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn()
    console = Console(stderr=True)
    is_hidden = not console.is_terminal
    with Progress(
        *columns, TimeElapsedColumn(), console=console, transient=True, disable=is_hidden
    ) as bar:
        task = bar.add_task(doing, total=1.0)
        yield lambda name, share: bar.update(task, description=name, completed=share)
