"""A diagnosis of a watched model in words, each finding with the line of PyTorch to change."""

import re
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from whygrad.doctor.watched.finding import AILMENTS, WatchedFinding
from whygrad.doctor.wording import share_text
from whygrad.words import number, t

if TYPE_CHECKING:
    from whygrad.doctor.watched import WatchedDiagnosis

SHOWN_NEURONS = 6
PLACE = re.compile("0|[1-9][0-9]*")  # in an nn.Sequential
PACKED = re.compile(r"\[\d+:\d+\]$")  # rows of projections that are packed in one parameter


def tell(diagnosis: "WatchedDiagnosis") -> str:
    """Return a diagnosis as text: the verdict, the findings, and what is odd but harmless."""
    parts = [verdict(diagnosis)]
    parts += [_block(found, rank) for rank, found in enumerate(diagnosis.findings, start=1)]
    if diagnosis.notes:
        lines = [f"  {in_short(one)}" for one in diagnosis.notes]
        parts.append("\n".join([t("torch.notes"), *lines]))
    return "\n\n".join(parts)


def verdict(diagnosis: "WatchedDiagnosis") -> str:
    """Return in a sentence whether anything was found."""
    key = "healthy" if diagnosis.is_healthy else "ill"
    return t(f"torch.{key}", steps=diagnosis.steps, count=len(diagnosis.findings))


def in_short(finding: WatchedFinding) -> str:
    """Return a finding in one line."""
    return t("doctor.in_short", name=name_of(finding), says=sentence(finding))


def heading(kind: str) -> str:
    """Return the name of an ailment with a capital in front, unless it begins with code."""
    words = t(f"torch.{kind}.name")
    return words if "_" in words.split()[0] else words[0].upper() + words[1:]


def name_of(finding: WatchedFinding) -> str:
    """Return the short name of a finding's ailment."""
    return t(f"torch.{finding.kind}.name")


def sentence(finding: WatchedFinding) -> str:
    """Return what a finding says, with its numbers."""
    return t(f"torch.{finding.kind}.says", **_words(finding))


def line_to_change(finding: WatchedFinding) -> str:
    """Return what to change in the program; what stands between backticks is Python."""
    evidence = {name: _as_code(value) for name, value in finding.evidence.items()}
    return t(f"torch.{finding.kind}.line", **_of_layer(finding, evidence))


def line_in_general(kind: str) -> str:
    """Return what an ailment asks to change, in a program that is not at hand."""
    values = ("names", "count", "of", "loss", "passes", "claims", "targets", "low", "high", "ratio")
    gaps = dict.fromkeys((*values, "activation", "optimizer"), "…")
    gaps |= {**dict.fromkeys(("layer", "where", "last"), "LAYER"), "module": "model.LAYER"}
    gaps["passes"] = "N"  # code, in which no ellipsis may stand
    return t(f"torch.{kind}.line", **gaps)


def explain_watched_ailment(kind: str) -> str:
    """Return what an ailment of a training program is, how it is found, and what to change.

    Its name stands above, or that of the same ailment in whygrad's own networks.
    """
    ailment = AILMENTS[kind]
    factor = t("doctor.factor", factor=t(f"doctor.factor.{ailment.factor}"))
    return "\n\n".join(
        [
            f"{t('doctor.explain.is')}\n  {t(f'torch.{kind}.is')}",
            f"{t('doctor.explain.check')}\n  {t(f'torch.{kind}.check')}",
            f"{t('doctor.explain.remedy')}\n  {line_in_general(kind)}",
            factor,
            t("doctor.explain.source", source=ailment.source),
        ]
    )


def _block(finding: WatchedFinding, rank: int) -> str:
    lines = [
        t("torch.found", rank=rank, name=name_of(finding)),
        f"   {sentence(finding)}",
        f"   {where_and_when(finding)}",
        f"   {t('torch.change', line=line_to_change(finding))}",
    ]
    return "\n".join(lines)


def where_and_when(finding: WatchedFinding) -> str:
    """Return the factor that fails first, the layer, the step, and how sure that is."""
    facts = [t("doctor.factor", factor=t(f"doctor.factor.{finding.factor}"))]
    if finding.layer and finding.neurons:
        shown = ", ".join(map(str, finding.neurons[:SHOWN_NEURONS]))
        more = " …" if len(finding.neurons) > SHOWN_NEURONS else ""
        values = {"count": len(finding.neurons), "neurons": shown + more}
        facts.append(t("doctor.where.neurons", layer=finding.layer, **values))
    elif finding.layer:
        facts.append(t("doctor.where", layer=finding.layer))
    if finding.step is not None:
        key = "start" if finding.step == 0 else "step"
        facts.append(t(f"doctor.when.{key}", step=finding.step))
    facts.append(t("doctor.sure", share=share_text(finding.confidence)))
    return t("doctor.joint").join(facts)


def _words(finding: WatchedFinding) -> dict[str, str]:
    told = {
        name: number(value, 3) if isinstance(value, int | float) else str(value)
        for name, value in finding.evidence.items()
    }
    return _of_layer(finding, told)


def _of_layer(finding: WatchedFinding, told: dict[str, str]) -> dict[str, str]:
    return {**told, "layer": finding.layer or "", "module": module_of(finding.layer or "")}


def _as_code(value: Any) -> str:
    """Return a number as Python has it: with its own minus sign, and a count in full."""
    return repr(float(f"{value:.3g}")) if isinstance(value, float) else str(value)


def module_of(layer: str) -> str:
    """Return the Python that leads from ``model`` to a layer: ``model.blocks[0].linear1``.

    A key of an ``nn.ModuleDict`` may be anything; what is no name in Python is asked for as text.
    """
    path = PACKED.sub("", layer)
    parts = path.split(".")
    if not all(PLACE.fullmatch(part) or _is_name(part) for part in parts):
        return f"model.get_submodule({path!r})"
    return "model" + "".join(f"[{part}]" if PLACE.fullmatch(part) else f".{part}" for part in parts)


def _is_name(part: str) -> bool:
    return part.isidentifier() and not iskeyword(part)
