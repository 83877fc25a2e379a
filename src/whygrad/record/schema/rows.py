"""What the files of recorded rows must hold, whoever wrote them."""

from collections.abc import Collection, Mapping

from whygrad.record.fields import ROW_FIELDS
from whygrad.record.schema.arrays import INTEGER, Arrays, Form

REDUCED = "/reduced"  # behind a layer's name: |gradient| of the mean over all processes, (n_out,)


def key_of_rows(layer: str) -> str:
    """Return what a layer's rows are called beside ``steps``; no path begins with a dot."""
    return f".{layer}" if layer == "steps" else layer


def rows_forms(
    neurons: Mapping[str, int],
    names: Collection[str],
    arrays: Arrays,
    dtype: str,
    needed: Collection[str] = (),
) -> dict[str, Form]:
    """Return what a file of recorded rows holds: rows of layers, and what stands beside them.

    Args:
        neurons: how many each layer has.
        names: of all arrays in the file: a layer's, and ``layer/reduced``.
        arrays: those that were read.
        dtype: of the rows.
        needed: names of rows that must be there.
    """
    recorded = arrays["steps"].size if "steps" in arrays else 0
    forms = {"steps": Form((recorded,), INTEGER)}
    by_key = {key_of_rows(layer): count for layer, count in neurons.items()}
    for name in (*names, *needed):
        count = by_key.get(name) or neurons.get(name.removesuffix(REDUCED))
        if count is not None and name != "steps":
            fields = (len(ROW_FIELDS),) if name in by_key else ()
            forms[name] = Form((recorded, *fields, count), dtype, is_needed=name in needed)
    return forms
