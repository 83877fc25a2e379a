"""The data of every recipe in a fault file: raw inputs and raw targets, by name."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import numpy as np

from benchmarks.faults import formulas, sets, surrogates
from benchmarks.faults.surrogates import Table
from whygrad.errors import OptionError, unknown_name


def make_data(recipe: str, args: Mapping[str, Any] | None = None) -> Table:
    """Return inputs (m, n_in), float, and raw targets (m,) or (m, k) of a recipe.

    Targets are whole numbers where they are labels. The same call gives the same numbers.

    Args:
        recipe: a name in :data:`RECIPES`.
        args: what a case sets: ``n`` rows, ``d`` columns, ``k`` classes or targets, ``inf``
            informative columns.

    Raises:
        OptionError: there is no such recipe, or it takes no such argument.
    """
    if recipe not in RECIPES:
        raise unknown_name("recipe", recipe, list(RECIPES))
    given = dict(args or {})
    _check_arguments(recipe, given)
    x, y = RECIPES[recipe](**given)
    x = np.array(x, float)  # a copy: some recipes give their inputs back as targets
    return x.reshape(len(x), -1), np.asarray(y)


def _check_arguments(recipe: str, given: Mapping[str, Any]) -> None:
    parameters = signature(RECIPES[recipe]).parameters.values()
    taken = [one.name for one in parameters if one.kind is not one.KEYWORD_ONLY]
    for name in given:
        if name not in taken:
            known = ", ".join(taken) or "–"
            raise OptionError("error.recipe_argument", recipe=recipe, name=name, known=known)


RECIPES: dict[str, Callable[..., Table]] = {
    "and4": lambda: formulas.gate("00 01 10 11", "0 0 0 1"),
    "avg2": formulas.avg2,
    "bcancer": sets.bcancer,
    "bitperm": formulas.bitperm,
    "blob": sets.blob,
    "cars": surrogates.cars,
    "circle": sets.circle,
    "const128": formulas.const128,
    "copycoord": formulas.copycoord,
    "diabetes_raw": sets.diabetes_raw,
    "digits": sets.digits,
    "five_rows": formulas.five_rows,
    "grid10": formulas.grid10,
    "heart": surrogates.heart,
    "iris": sets.iris,
    "letters21": surrogates.letters21,
    "lin200": formulas.lin200,
    "lin3_big": formulas.lin3_big,
    "lin8": formulas.lin8,
    "linT": formulas.line_and_one,
    "merged5": formulas.merged5,
    "mkc": sets.mkc,
    "mkc5": sets.mkc5,
    "mkr": sets.mkr,
    "mkr1": sets.mkr1,
    "mkr_pos_dist": sets.mkr_pos_dist,
    "mnist": sets.digits,
    "mnist255": lambda n=None: sets.digits(n, scale=255),
    "mpg": surrogates.mpg,
    "mpg10": surrogates.mpg10,
    "mult66": surrogates.mult66,
    "multilabel": sets.multilabel,
    "multilabel1": sets.multilabel1,
    "negreg200": formulas.negreg200,
    "packets": surrogates.packets,
    "pima": surrogates.pima,
    "poly5": formulas.poly5,
    "quad": formulas.quad,
    "quad_noise": formulas.quad_noise,
    "randint50": formulas.randint50,
    "rows11": formulas.rows11,
    "sin_dir": surrogates.sin_dir,
    "sine": formulas.sine,
    "sq4": formulas.sq4,
    "sq_lin": formulas.sq_lin,
    "thresh1d_file": surrogates.thresh1d,
    "thresh1d": surrogates.thresh1d,
    "toy2": formulas.toy2,
    "two_points": formulas.two_points,
    "x4": formulas.x4,
    "xor4": lambda: formulas.gate("11 10 00 01", "0 1 0 1"),
    "xor6": lambda: formulas.gate("11 11 10 00 00 01", "0 0 1 0 0 1"),
}
