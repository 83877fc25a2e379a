"""The trial of a file before it leaves: rows go through it, and what comes out is compared."""

from typing import Any

import numpy as np

from whygrad.data.categories import MISSING, RARE
from whygrad.data.dates import from_parts, word_of
from whygrad.data.encoder import Encoder
from whygrad.data.matching import Rule, Substitutions
from whygrad.errors import ExportError
from whygrad.interop.exporting.portable import Portable
from whygrad.training.evaluation import evaluate
from whygrad.training.trained import TrainedRun

MOST_ROWS = 200
MOST_GAPS = 50  # columns of which one value is taken away, to see it filled
TOLERANCE = 1e-3  # of the largest claim; two engines add up in different orders
FIGURES = 1e-3  # of a recorded figure; devices add up in different orders, too
SMALL = 1e-3  # a loss below this is mostly rounding
HITS = 2  # samples that rounding may put on the other side
VALIDATION = "validation_"  # before the names of measures in a history
SEED = 0

Columns = dict[str, np.ndarray]


def rows_for(portable: Portable, run: TrainedRun | None) -> np.ndarray | Columns:
    """Return the rows of a trial: the run's own, as they came; without a run, drawn ones."""
    if run is None:
        shape = (MOST_ROWS, portable.network.sizes[0])
        inputs = np.random.default_rng(SEED).normal(size=shape).astype(np.float32)
    else:
        parts = (run.data.test, run.data.train)
        inputs = np.concatenate([part.x[: MOST_ROWS // 2] for part in parts])
    return inputs if portable.encoder is None else raw_rows(portable.encoder, inputs)


def raw_rows(encoder: Encoder, inputs: np.ndarray) -> np.ndarray | Columns:
    """Return inputs as the columns that they came from, and some rows more with a value missing.

    Returns:
        An array (m, columns) where all of them are numbers; else columns by name.
    """
    expanded = inputs.astype(np.float64) * encoder.scale + encoder.mean
    blocks = [block.T for block in encoder.of_rules(expanded.T)]
    pairs = zip(encoder.rules, blocks, strict=True)
    columns = _with_gaps(encoder, [_column(rule, block) for rule, block in pairs])
    if all(rule.is_number for rule in encoder.rules):
        return np.stack(columns, axis=1)
    return dict(zip(encoder.columns, columns, strict=True))


def claims_in_trial(portable: Portable, rows: np.ndarray | Columns) -> np.ndarray:
    """Return what a network claims of the rows of a trial, without a warning of the odd ones."""
    return portable.claims(rows, Substitutions())


def largest_difference(ours: np.ndarray, theirs: np.ndarray, what: str) -> float:
    """Return the largest difference between what the network claims and what a file claims.

    Raises:
        ExportError: they differ by more than rounding can explain.
    """
    is_finite = np.isfinite(ours)
    size = float(np.abs(ours[is_finite]).max(initial=1.0))
    agree = ours.shape == theirs.shape and (is_finite == np.isfinite(theirs)).all()
    difference = np.inf
    if agree:  # infinite claims are alike, and have no difference
        difference = float(np.abs(ours[is_finite] - theirs[is_finite]).max(initial=0.0))
    if difference > TOLERANCE * size:
        raise ExportError("error.export_differs", format=what, difference=difference, size=size)
    return difference


def check_figures(portable: Portable, run: TrainedRun, step: int | None) -> tuple[str, ...]:
    """Compare what the network makes of the run's own data with the figures that it recorded.

    Args:
        step: after how many steps of the run; None for the trained network.

    Returns:
        The parts of the data of which figures were recorded.

    Raises:
        ExportError: a figure is another: this is not the network that the run measured.
    """
    recorded = _recorded_figures(run, step)
    for part, measures in recorded.items():
        data = getattr(run.data, part)
        actual = evaluate(portable.network, data.x, data.y, run.task.settings.loss, run.data.task)
        for name, figure in measures.items():
            slack = FIGURES * max(abs(figure), SMALL) + (name == "accuracy") * HITS / len(data.x)
            if abs(actual[name] - figure) > slack:
                values = {"part": part, "measure": name, "recorded": figure, "actual": actual[name]}
                raise ExportError("error.export_other_figures", path=run.path, **values)
    return tuple(recorded)


def _recorded_figures(run: TrainedRun, step: int | None) -> dict[str, dict[str, float]]:
    """Return the figures of a network, by part; none where the run measured none at this step."""
    described = run.description
    is_last = step == described.get("steps") and not described.get("best")
    if step is None or is_last:
        return described.get("result", {})
    line = next((one for one in run.history_lines if one["step"] == step - 1), {})
    measured = {
        name.removeprefix(VALIDATION): value
        for name, value in line.items()
        if name.startswith(VALIDATION)
    }
    return {"validation": measured} if measured else {}


def _column(rule: Rule, block: np.ndarray) -> np.ndarray:
    """Return a raw column from what it was expanded to."""
    if rule.categories:
        return _words(block, rule.categories)
    if not rule.parts:
        return block[:, 0]
    seconds = from_parts(dict(zip(rule.parts, block.T, strict=True)))
    return np.array([word_of(second, rule.form) for second in seconds], object)


def _words(block: np.ndarray, known: tuple[str, ...]) -> np.ndarray:
    """Return the category of each row; of a rare one or of a row of zeros, a word that is none."""
    stranger = max(known, key=len) + "+"
    names = np.array([*known, stranger], object)
    chosen = np.where(block.max(axis=1) > 0.5, block.argmax(axis=1), len(known))
    words = names[chosen]
    words[words == MISSING] = None
    words[words == RARE] = stranger
    return words


def _with_gaps(encoder: Encoder, columns: list[np.ndarray]) -> list[np.ndarray]:
    """Return the columns with one more row for each of the first, which misses its value there."""
    gaps = min(len(columns), MOST_GAPS)
    longer: list[Any] = [np.concatenate([c, c[:1].repeat(gaps)]) for c in columns]
    for place, rule in enumerate(encoder.rules[:gaps]):
        longer[place][len(columns[place]) + place] = np.nan if rule.is_number else None
    return longer
