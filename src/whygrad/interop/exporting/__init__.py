"""Leaving again: a run or a network as ONNX, safetensors or PyTorch, tried before it is written."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whygrad.core.nn.network import Network
from whygrad.data.columns import listed
from whygrad.errors import OptionError, extra, unknown_name
from whygrad.interop.exporting.portable import Portable, as_portable
from whygrad.interop.exporting.tensors import from_safetensors, write_safetensors
from whygrad.interop.exporting.torch_script import weights_beside, write_torch
from whygrad.interop.exporting.trial import check_figures, rows_for
from whygrad.record.files import writing
from whygrad.record.folder import RunFolder
from whygrad.training.trained import TrainedRun
from whygrad.words import t
from whygrad.words.visible import lines

if TYPE_CHECKING:
    from torch import nn

FORMATS = {"onnx": ".onnx", "safetensors": ".safetensors", "torch": ".py"}  # and their endings
DEFAULT_FORMAT = "onnx"


@dataclass(frozen=True)
class Exported:
    """What was written, and how it did in its trial.

    Attributes:
        path: the file; with ``torch``, the Python file.
        files: all files that were written.
        format: ``onnx``, ``safetensors`` or ``torch``.
        meaning: what comes out: probabilities, quantities, scores or outputs.
        preprocessing: ``inside``: raw rows go in; ``missing``: only a network was given, so how
            data is prepared for it is not known.
        rows: how many rows went through the file and through the network.
        difference: the largest between what both claim.
        step: after how many steps of its run the network stands; None for the trained one, or
            where only a network was given.
        figures: parts of the run's data of which the run recorded figures that the network was
            found to have.
        dates: columns of dates, whose parts the file takes as numbers of their own.
    """

    path: Path
    files: tuple[Path, ...]
    format: str
    meaning: str
    preprocessing: str
    rows: int
    difference: float
    step: int | None = None
    figures: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"path": str(self.path), "files": [str(f) for f in self.files]}

    def __str__(self) -> str:
        told = [t("export.written", files=", ".join(map(str, self.files)))]
        if self.step is not None:
            told.append(t("export.step", step=self.step))
        told.append(t(f"export.meaning.{self.meaning}"))
        told.append(t(f"export.preprocessing.{self.preprocessing}"))
        if self.dates:
            told.append(t("export.dates", names=listed(self.dates), name=self.dates[0]))
        told.append(t("export.trial", rows=self.rows, difference=self.difference))
        if self.figures:
            parts = t("export.parts.joint").join(t(f"cli.part.{part}") for part in self.figures)
            told.append(t("export.figures", parts=parts))
        return lines(told)


def export(
    subject: RunFolder | Network | Portable,
    out: str | Path,
    *,
    format: str | None = None,
    step: int | None = None,
) -> Exported:
    """Write a run or a network for use elsewhere; the file is tried on rows before it is there.

    A run takes its preparation of raw rows along; a network alone has none, and the result says so.
    ONNX takes numbers as one float64 array ``input`` (of a network alone: float32); where there is
    text, one input a column, (m, 1). The file's metadata name the columns, classes and settings.

    Args:
        out: the file, whose ending tells the format: ``.onnx``, ``.safetensors``, or ``.py`` for
            PyTorch, with its weights as ``.safetensors`` beside it.
        format: ``onnx``, ``safetensors`` or ``torch``, where the ending does not tell.
        step: of a run: the network after so many steps; default: the trained one.

    Raises:
        OptionError: no such format, or an ending that tells none.
        AddressError: the run has not taken so many steps.
        ExportError: what was made does not give what the network gives, or the network not the
            figures that its run recorded; nothing is written.
        MissingExtraError: the package of the format is not installed.
        RunError: the file cannot be written.
    """
    path = Path(out)
    chosen = _format(path, format)
    leaving = as_portable(subject, step)
    rules = () if leaving.encoder is None or chosen == "safetensors" else leaving.encoder.rules
    dates = tuple(rule.column for rule in rules if rule.parts)
    if dates:  # neither ONNX nor PyTorch has such a type
        leaving = leaving.with_dates_apart()
    run = TrainedRun.of(subject) if isinstance(subject, RunFolder) else None
    figures = () if run is None else check_figures(leaving, run, step)
    rows = rows_for(leaving, run)
    write = _writer(chosen)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    difference = write(leaving, path, rows)
    count = len(next(iter(rows.values()))) if isinstance(rows, dict) else len(rows)
    return Exported(
        path=path,
        files=(path, weights_beside(path)) if chosen == "torch" else (path,),
        format=chosen,
        meaning=leaving.meaning,
        preprocessing="missing" if leaving.encoder is None else "inside",
        rows=count,
        difference=difference,
        step=step,
        figures=figures,
        dates=dates,
    )


def to_torch(subject: RunFolder | Network | Portable) -> "nn.Sequential":
    """Return a run's network, or a network, as a ``torch.nn.Sequential`` in ``eval`` mode.

    It takes inputs as the network does (``run.data.encode(rows)``) and gives its outputs, which are
    logits where the loss brings softmax or sigmoid. Dropout is in it, for training on.

    Raises:
        ExportError: it does not give what the network gives.
        MissingExtraError: PyTorch is not installed.
    """
    with extra("torch", what="to_torch", package="torch"):
        from whygrad.interop.exporting.torch_modules import sequential

    return sequential(as_portable(subject).network)


def default_path(folder: Path, format: str) -> Path:
    """Return where an export of a run goes if nobody says."""
    if format not in FORMATS:
        raise unknown_name("export_format", format, list(FORMATS))
    return folder / ("pytorch" if format == "torch" else "") / f"model{FORMATS[format]}"


def _format(path: Path, asked: str | None) -> str:
    if asked is not None and asked not in FORMATS:
        raise unknown_name("export_format", asked, list(FORMATS))
    told = next((name for name, ending in FORMATS.items() if path.suffix == ending), None)
    if asked is None and told is None:
        raise OptionError("error.export_ending", path=path, known=", ".join(FORMATS.values()))
    if asked is not None and told not in (None, asked):
        raise OptionError("error.export_ending_of_another", path=path, told=told, asked=asked)
    if asked == "torch" and path.suffix != FORMATS["torch"]:  # Python imports no other
        raise OptionError("error.export_torch_ending", path=path)
    return asked or told or DEFAULT_FORMAT


def _writer(format: str) -> Callable[..., float]:
    if format == "safetensors":
        return write_safetensors
    if format == "torch":
        with extra("torch", what="export", package="torch"):
            import torch  # noqa: F401 - the script needs it in its trial
        return write_torch
    with extra("onnx", what="export", package="onnx"):
        import onnx  # noqa: F401 - to say which package is missing
    with extra("onnx", what="export", package="onnxruntime"):
        from whygrad.interop.exporting.onnx_file import write_onnx
    return write_onnx


__all__ = [
    "DEFAULT_FORMAT",
    "FORMATS",
    "Exported",
    "Portable",
    "default_path",
    "export",
    "from_safetensors",
    "to_torch",
]
