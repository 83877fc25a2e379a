"""Who writes runs: what each producer's files must hold, and what its runs can do, one row each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from whygrad.errors import AddressError, InputError, OptionError, StalledError
from whygrad.record.description import MATCHED
from whygrad.record.layers import LayerSpec, specs_of_network, specs_of_watched
from whygrad.record.schema import Check, trained, watched

TRAINED, WATCHED = "trained", "watched"
Description = Mapping[str, Any]


@dataclass(frozen=True)
class Producer:
    """What differs between the runs of one producer and those of another.

    Attributes:
        run: what ``run.json`` must hold.
        line_of: what a line of the history must be, in a run of a description.
        are_sound_lines: whether all of them are known to be that, told sooner than one by one.
        facts_of: the same of ``facts.jsonl``; None where there is none.
        specs_of: the layers.
        dtype_of: type of the recorded rows.
        every_of: every how many steps rows are recorded of the steps in the history; 0 for never.
        limit_of: how many steps the run takes at most; None where nobody knows.
        taken_of: how many steps it has taken at least.
        rows_of_all: whether every file of rows holds all layers.
        lacks: what its runs cannot do, and the error that says so.
    """

    run: Check
    line_of: Callable[[Any], Check]
    specs_of: Callable[[Description], dict[str, LayerSpec]]
    dtype_of: Callable[[Description], str]
    every_of: Callable[[Description], int]
    limit_of: Callable[[Description], int | None]
    taken_of: Callable[[Description], int]
    are_sound_lines: Callable[[Any, Any], bool] = lambda run, lines: False
    facts_of: Callable[[Any], Check] | None = None
    rows_of_all: bool = False
    lacks: Mapping[str, tuple[type[InputError], str]] = field(default_factory=dict)


def kind_of(description: Description) -> str:
    """Return who wrote a run: a name of :data:`PRODUCERS`."""
    return WATCHED if description.get("kind") == WATCHED else TRAINED


def specs_of_trained(description: Description) -> dict[str, LayerSpec]:
    """Return the layers of the network of one of whygrad's own runs."""
    network, loss = description["network"], description["settings"]["loss"]
    activations = network["activations"]
    is_matched = activations[-1] in MATCHED[loss]
    return specs_of_network(network["sizes"], activations, network["biases"], is_matched=is_matched)


def blew_up(description: Description) -> bool:
    """Return whether a number that was not finite stopped a run, and not that nothing moved."""
    kind = (description.get("failure") or {}).get("kind")
    return description["state"] == "failed" and kind != StalledError.__name__


NO_NETWORK = (OptionError, "error.watched_no_network")
PRODUCERS: dict[str, Producer] = {
    TRAINED: Producer(
        run=trained.RUN,
        line_of=trained.line_of,
        are_sound_lines=trained.are_sound_lines,
        specs_of=specs_of_trained,
        dtype_of=lambda run: run["network"]["dtype"],
        every_of=lambda run: run["settings"]["record_every"],
        limit_of=trained.total_steps,
        taken_of=lambda run: run["steps"] + 1 if blew_up(run) else 0,
        rows_of_all=True,
    ),
    WATCHED: Producer(
        run=watched.RUN,
        line_of=lambda run: watched.LINE,
        facts_of=watched.facts_of,
        specs_of=specs_of_watched,
        dtype_of=lambda run: "float32",  # whatever the model computes in
        every_of=lambda run: 1,
        limit_of=lambda run: None,
        taken_of=lambda run: run.get("steps", 0),
        lacks={
            "train": NO_NETWORK,
            "network": NO_NETWORK,
            "data": NO_NETWORK,
            "replay": NO_NETWORK,
            "export": (OptionError, "error.watched_leaving"),
            "sample": (AddressError, "error.watched_sample"),
            "verify": (OptionError, "error.watched_verify"),
        },
    ),
}
