"""What measures say, part by part: the terminal and the page show the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from whygrad.training.measures.measured import SHARES, Measures
from whygrad.words import number, percent, t
from whygrad.words.visible import shortened, visible

LONGEST = 24  # columns that a name may take above a column
MOST_CLASSES = 12  # that are told one by one in a terminal


@dataclass(frozen=True)
class Block:
    """A table with a sentence above it.

    Attributes:
        title: the sentence.
        head: what stands above the columns; the first of them names the rows.
    """

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def written(name: str, value: float | None) -> str:
    """Return a measure as it is read: a share in per cent, anything else as a number."""
    if value is None:
        return "–"
    return percent(value, 1) if name in SHARES else number(value)


def title(measures: Measures) -> str:
    """Return what was measured: which part, and how many rows."""
    known = measures.part if measures.part in ("train", "validation", "test") else "other"
    words = t(f"measures.title.{known}", part=measures.part, samples=measures.samples)
    return t("measures.title.weighted", title=words) if measures.is_weighted else words


def always(measures: Measures) -> str:
    """Return what the best constant answer is, as the head of its column."""
    if measures.task in ("classes", "binary"):
        answer = shortened(visible(measures.constant), LONGEST)
        return t("measures.always.class", answer=answer)
    several = measures.task if measures.task == "labels" or len(measures.numbers) > 1 else "number"
    return t(f"measures.always.{several}")


def short(measures: Measures) -> list[str]:
    """Return what a reader wants first, a sentence a line: the rest is a table."""
    lines = [_beside_the_baseline(measures)]
    lines += filter(None, [standing(measures)])
    worst = measures.worst
    if worst is not None:
        of = ("f1", "precision", "recall")
        told = {name: written(name, getattr(worst, name)) for name in of}
        key = "measures.worst.label" if measures.task == "labels" else "measures.worst.class"
        if worst.precision is None:
            lines.append(t(f"{key}.never", name=worst.name))
        else:
            lines.append(t(key, name=worst.name, **told))
    return lines


def standing(measures: Measures) -> str | None:
    """Return a sentence where a constant answer does as well; None where the network beats it."""
    if measures.beaten == "yes":
        return None
    key = {"classes": "class", "binary": "class"}.get(measures.task, measures.task)
    return t(f"measures.beaten.{measures.beaten}.{key}", answer=measures.constant)


def _beside_the_baseline(measures: Measures) -> str:
    values = {name: written(name, value) for name, value in measures.values.items()}
    if measures.task == "numbers":
        one, *others = measures.numbers
        if others or "mae_share" not in values:
            return t("measures.short.numbers", share=values.get("mae_share", "–"))
        told = {
            "name": one.name,
            "mae": one.mae,
            "median": one.median,
            "share": values["mae_share"],
        }
        return t("measures.short.number", **told)
    key = "labels" if measures.task == "labels" else "class"
    told = {
        "answer": measures.constant,
        "baseline": written("accuracy", measures.baseline["accuracy"]),
        "balanced": values["balanced_accuracy"],
    }
    if "auc" in values:
        return t(f"measures.short.{key}.ranked", auc=values["auc"], **told)
    return t(f"measures.short.{key}", **told)


def overview(measures: Measures) -> Block:
    """Return every measure beside that of the best constant answer."""
    head = (t("measures.measure"), t("measures.network"), always(measures))
    several = "labels" if measures.task == "labels" else "classes"
    rows = []
    for name, value in measures.values.items():
        key = f"f1.{several}" if name == "f1" else name
        baseline = measures.baseline.get(name)
        shown = "" if baseline is None else written(name, baseline)
        rows.append((t(f"measures.name.{key}"), written(name, value), shown))
    return Block(title(measures), head, rows)


def of_each(measures: Measures, most: int = MOST_CLASSES) -> Block | None:
    """Return how well each class, label or number is told; of many, the worst ones."""
    if measures.numbers:
        return _of_each_number(measures) if len(measures.numbers) > 1 else None
    classes = measures.classes
    if len(classes) > most:
        occurring = [one for one in classes if one.samples]
        classes = tuple(sorted(occurring, key=lambda one: one.f1 or 0.0)[:most])
    columns = ("precision", "recall", "f1", "auc")
    is_ranked = any(one.auc is not None for one in classes)
    shown = columns if is_ranked else columns[:-1]
    what = "label" if measures.task == "labels" else "class"
    head = (t(f"measures.{what}"), *(t(f"measures.name.{name}") for name in shown))
    rows = [
        (one.name, *(written(name, getattr(one, name)) for name in shown), number(one.samples))
        for one in classes
    ]
    counts = {"shown": len(classes), "count": len(measures.classes)}
    key = f"measures.each.{what}" + (".worst" if len(rows) < len(measures.classes) else "")
    return Block(t(key, **counts), (*head, t("measures.rows")), rows)


def _of_each_number(measures: Measures) -> Block:
    columns = ("r2", "mae", "rmse", "mae_share", "median")
    head = (t("measures.number"), *(t(f"measures.name.{name}") for name in columns))
    rows = [
        (one.name, *(written(name, getattr(one, name)) for name in columns))
        for one in measures.numbers
    ]
    return Block(t("measures.each.number"), head, rows)


def worst_confusions(measures: Measures) -> Block | None:
    """Return the most frequent confusions of one class with another."""
    found = measures.confusions
    if not found:
        return None
    head = tuple(t(f"measures.confusion.{name}") for name in ("true", "told", "rows", "share"))
    rows = [(one.true, one.told, number(one.samples), percent(one.share, 1)) for one in found]
    return Block(t("measures.confusion.worst"), head, rows)


def calibration(measures: Measures) -> Block | None:
    """Return how often claims are right, by their confidence."""
    if not measures.bins:
        return None
    key = "labels" if measures.task == "labels" else "classes"
    head = tuple(
        t(f"measures.calibration.{name}") for name in ("bin", "confidence", "right", "rows")
    )
    rows = [
        (
            f"{percent(one.low)} – {percent(one.high)}",
            percent(one.confidence, 1),
            percent(one.right, 1),
            number(one.samples),
        )
        for one in measures.bins
    ]
    error = percent(measures.values["calibration_error"], 1)
    return Block(t(f"measures.calibration.{key}", error=error), head, rows)
