"""Data of a table that is larger than memory: scanned once, then read again for every epoch.

Means and spreads are those of all training rows. Medians are those of a sample of them, drawn by
the seed: with probability 99.9 % a median's rank is off by less than sqrt(log(2000) / 2n) for a
sample of n rows, 0.9 % for 50 000 (Dvoretzky, Kiefer and Wolfowitz 1956; Massart 1990). The sample
stays in memory, as the training part that the doctor and the pages look at, and so do the
validation and the test part, whose shares are made smaller where they would hold too many rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from whygrad.data.assembling import TARGET_SCALINGS
from whygrad.data.categories import known_categories, notes_of_rare
from whygrad.data.columns import Column, Table, listed, settled, unread_column
from whygrad.data.encoder import TINY, Encoder, blocks, medians, scaled
from whygrad.data.folders import columns_of, files_of, name_of
from whygrad.data.matching import Rule
from whygrad.data.notes import Note
from whygrad.data.numeric import LEAST, MOST
from whygrad.data.problems import notes_of, problems_of
from whygrad.data.scanning import Kept, Scan
from whygrad.data.selecting import Chosen, chosen_columns, chosen_names, weight_problems
from whygrad.data.source import Tick
from whygrad.data.stream import Shares, Stream
from whygrad.data.stream_file import StreamFile
from whygrad.data.stream_targets import rule_of
from whygrad.data.summary import Summary
from whygrad.data.table import Data, Part
from whygrad.data.targets import TargetRule, check_task, task_notes
from whygrad.data.units import columns_of_codes, estimated_rows, widest
from whygrad.errors import DataError, InputError, OptionError, unknown_name

HELD_ROWS = 50_000  # of the sample, and of each part that is held out
HELD_BYTES = 1 << 25  # of each of them, as raw numbers
POOL_BYTES = 1 << 25  # of a pool, as the device has it
LANES = 4
LANE_BYTES = 3 << 26  # of all units that are open
COLUMN_BYTES = 1 << 22  # of a column of an open row group: dictionary and page, as they are read


def stream(
    source: Any, given: dict, common: dict, described: dict, tick: Tick, buffer: int | None
) -> Data:
    """Return data whose training part is read while it is trained on.

    Args:
        source: a path or an Arrow dataset, see :func:`whygrad.data.folders.files_of`.
        given: the options that :func:`whygrad.data.load` was given, but those of parts and scaling.
        common: standardize, target_scaling, validation, test and seed.
        described: how it was asked for, JSON-able.
        buffer: rows of a pool; None for :data:`POOL_BYTES` of them.

    Raises:
        DataError: with every problem found.
        OptionError: an unknown name, or ``buffer`` is not a whole number above 0.
    """
    check_task(given.get("task"))
    scaling = common["target_scaling"]
    if scaling is not None and scaling not in TARGET_SCALINGS:
        raise unknown_name("target_scaling", scaling, tuple(TARGET_SCALINGS))
    if buffer is not None and not (type(buffer) is int and buffer > 0):
        raise OptionError("error.stream_buffer", actual=repr(buffer))
    name, files = name_of(source), files_of(source, given.get("delimiter"), given.get("encoding"))
    chosen = chosen_names(name, columns_of(files[0]), given)
    used = {*chosen.targets, *chosen.weight, *chosen.drop}
    codes = {name for file in files for name in columns_of_codes(file)} - used
    given = given | {"categories": sorted({*chosen.categories, *codes})}
    chosen = chosen_names(name, columns_of(files[0]), given)
    scan = Scan(name, files, chosen, _shares(files, common), tick)
    if scan.rows == 0:
        raise DataError(name, [InputError("error.data_no_rows")])
    return _Fitting(scan, given, common).data(described, buffer)


def _shares(files: Sequence[StreamFile], common: dict) -> Shares:
    """Return which share of the rows each part gets, so that what is held in memory fits."""
    rows = max(1, estimated_rows(files))
    most = min(HELD_ROWS, HELD_BYTES // (8 * len(columns_of(files[0]))))
    share = max(most, 1) / rows
    held = {name: min(float(common[name]), share) for name in ("validation", "test")}
    return Shares(common["seed"], **held, sample=min(1.0, share))


@dataclass(eq=False)
class _Fitting:
    """From what a scan found to data."""

    scan: Scan
    given: dict
    common: dict

    def data(self, described: dict, buffer: int | None) -> Data:
        scan, rule = self.scan, None
        witnesses = {name: scan.witness(name) for name in scan.kinds}
        columns = tuple(
            witnesses[name][0] if name in witnesses else unread_column(name)
            for name in columns_of(scan.files[0])
        )
        table = Table(scan.name, columns, scan.rows, scan.place)
        chosen = chosen_columns(table, self.given)
        problems = [
            *(p for c in chosen.targets for p in self._problems(c, is_target=True)),
            *(p for c in chosen.inputs for p in self._problems(c)),
            *(p for c in chosen.weights for p in weight_problems(*witnesses[c.name])),
        ]
        if not chosen.inputs:
            problems.append(InputError("error.data_no_features"))
        names = {column.name for column in chosen.targets}
        if names.isdisjoint(problem.values.get("column") for problem in problems):
            is_split = self.common["validation"] + self.common["test"] > 0
            rule, more = rule_of(scan, chosen.targets, self.given.get("task"), is_split=is_split)
            problems += more
        if rule is None or problems:
            raise DataError(scan.name, problems)
        summaries = [scan.summaries[column.name] for column in chosen.inputs]
        kinds = {name: kind for name, kind in scan.kinds.items() if self._is_used(name, chosen)}
        encoder = self._encoder(summaries, rule)
        self._check_sizes(encoder, summaries, rule)
        stream = self._stream(encoder, rule, kinds, buffer)
        parts = {name: _part(stream, scan.name, kept) for name, kept in scan.kept.items()}
        return Data(
            name=scan.name,
            task=rule.task,
            train=parts["sample"],
            validation=parts["validation"],
            test=parts["test"],
            feature_names=encoder.feature_names,
            target_names=rule.names,
            image_shape=None,
            encoder=encoder,
            notes=tuple(self._notes(chosen, encoder, stream, parts)),
            source=described,
            stream=stream,
        )

    def _is_used(self, name: str, chosen: Chosen) -> bool:
        return any(
            name == column.name for column in (*chosen.inputs, *chosen.targets, *chosen.weights)
        )

    def _problems(self, column: Column, *, is_target: bool = False) -> list[InputError]:
        _, table = self.scan.witness(column.name)
        return problems_of(column, table.place, is_target=is_target)

    def _encoder(self, summaries: Sequence[Summary], rule: TargetRule) -> Encoder:
        standardize = self.common["standardize"] is not False
        rules = tuple(map(_rule, summaries))
        inputs = [input for one in summaries for input in _inputs(one)]
        sample = self.scan.kept["sample"].table(self.scan.name, self.scan.kinds, self.scan.forms)
        columns = {column.name: column for column in sample.columns}
        features = tuple(
            settled(columns[one.column]) if one.is_number else columns[one.column] for one in rules
        )
        median = np.full(len(inputs), np.nan)
        for where, expanded in blocks(features, rules):
            if inputs[where.start] is not None:
                median[where] = medians(expanded)
        mean, scale = np.zeros(len(inputs)), np.ones(len(inputs))
        fill = np.full(len(inputs), np.nan)
        for at, one in enumerate(inputs):
            if one is None:
                continue
            if one.missing:
                fill[at] = median[at]
                one.moments.add(one.train_missing, float(fill[at]), 0.0)
            if standardize:
                mean[at], scale[at] = one.moments.mean, _scale(one)
        units = self._units(rule, standardize)
        return Encoder(
            columns=tuple(rule.column for rule in rules),
            categories=tuple(rule.categories for rule in rules),
            forms=tuple(rule.form for rule in rules),
            parts=tuple(rule.parts for rule in rules),
            fill=fill,
            median=median,
            mean=mean,
            scale=scale,
            image_shape=None,
            task=rule.task,
            target_names=rule.names,
            target_mean=units[0],
            target_scale=units[1],
        )

    def _units(self, rule: TargetRule, standardize: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return origin and size of the units of numbers to predict, of all training rows."""
        if rule.task != "numbers":
            return np.empty(0), np.empty(0)
        found = [self.scan.summaries[name] for name in rule.columns]
        scaling = self.common["target_scaling"] or ("standard" if standardize else "none")
        if scaling == "standard":
            ends = [(one.moments.mean, _scale(one)) for one in found]
        elif scaling == "unit":
            spans = [(one.train_low, one.train_high - one.train_low) for one in found]
            ends = [(low, span if span > 0 else 1.0) for low, span in spans]
        else:
            ends = [(0.0, 1.0)] * len(found)
        origin, size = zip(*ends, strict=True)
        return np.array(origin), np.array(size)

    def _check_sizes(
        self, encoder: Encoder, summaries: Sequence[Summary], rule: TargetRule
    ) -> None:
        """Check that float32 can multiply the largest and the smallest numbers once scaled.

        Raises:
            DataError: it cannot.
        """
        found = zip(
            summaries,
            encoder.rules,
            encoder.of_rules(encoder.mean),
            encoder.of_rules(encoder.scale),
            strict=True,
        )
        scales = [(one, mean[0], scale[0]) for one, r, mean, scale in found if r.is_number]
        if rule.task == "numbers":
            targets = [self.scan.summaries[name] for name in rule.columns]
            scales += zip(targets, encoder.target_mean, encoder.target_scale, strict=True)
        problems = []
        for one, mean, scale in scales:
            ends = np.array([one.low[0], one.high[0]])
            sizes = np.abs(scaled(ends, mean, scale))
            which = int(np.argmax(~(sizes <= MOST)))
            if sizes[which] <= MOST:
                if 0 < sizes.max() < LEAST:
                    values = {"column": one.name, "actual": float(sizes.max()), "limit": LEAST}
                    problems.append(InputError("error.data_too_small", **values))
                continue
            row = one.low[1] if which == 0 else -one.high[1]
            values = {"column": one.name, "actual": float(ends[which]), "limit": MOST}
            place = self.scan.place(row)
            problems.append(InputError("error.data_encode_too_large", **values, **place))
        if problems:
            raise DataError(self.scan.name, problems)

    def _stream(
        self, encoder: Encoder, rule: TargetRule, kinds: dict[str, str], buffer: int | None
    ) -> Stream:
        scan, weight, counts = self.scan, self.given.get("weight"), None
        if rule.task in ("classes", "binary"):
            of_target = scan.summaries[rule.columns[0]].train_counts
            keys = rule.values or rule.names
            each = [of_target.get(key, 0) for key in keys]
            counts = scan.ones if len(rule.columns) > 1 else np.array(each)
        weights = None
        if weight is not None:
            of_weight = scan.summaries[weight]
            weights = np.array([of_weight.least, of_weight.high[0]])
        row = 4 * (len(encoder.fill) + len(rule.names))
        opened = min(2 * widest(scan.files), COLUMN_BYTES * len(kinds))
        return Stream(
            files=tuple(scan.files),
            units=scan.units,
            kinds=kinds,
            forms={name: form for name, form in scan.forms.items() if name in kinds},
            encoder=encoder,
            target=rule,
            weight=weight,
            weights=weights,
            class_counts=counts,
            shares=scan.shares,
            buffer=buffer or max(1, POOL_BYTES // row),
            lanes=int(np.clip(LANE_BYTES // max(opened, 1), 1, LANES)),
        )

    def _notes(
        self, chosen: Chosen, encoder: Encoder, stream: Stream, parts: dict[str, Part]
    ) -> Iterator[Note]:
        """Yield what is worth knowing, as of a table in memory; and what is held of a stream.

        Raises:
            DataError: no input changes.
        """
        scan = self.scan
        values = {"rows": scan.rows, "files": len(scan.files), "sample": len(parts["sample"])}
        yield Note("note.data_streamed", values)
        for part in ("validation", "test"):
            actual, asked = getattr(stream.shares, part), float(self.common[part])
            if actual < asked:
                values = {"count": len(parts[part]), "share": 100 * actual, "asked": 100 * asked}
                yield Note(f"note.data_fewer_{part}", values)
        yield from chosen.notes
        yield from task_notes(chosen.targets, stream.target, self.given.get("task"))
        for column in chosen.inputs:
            yield from notes_of(column)
        if scan.dropped:
            names = ", ".join(column.name for column in chosen.targets)
            values = {"column": names, "count": scan.dropped}
            yield Note("note.data_target_dropped", values)
        known = encoder.feature_names
        never_change = zip(known, self._constant(chosen), strict=True)
        constant = [name for name, is_constant in never_change if is_constant]
        if constant:
            if len(constant) == len(known):
                problem = InputError("error.data_all_constant", count=len(constant))
                raise DataError(scan.name, [problem])
            values = {"count": len(constant), "names": listed(constant)}
            yield Note("note.data_constant", values)
        for rule in encoder.rules:
            if rule.parts:
                values = {"column": rule.column, "names": ", ".join(rule.names)}
                yield Note(f"note.data_form_{rule.form}", values)
            if rule.categories:
                yield from notes_of_rare(rule.column, scan.summaries[rule.column].train_words)
        for rule, fills in zip(encoder.rules, encoder.of_rules(encoder.fill), strict=True):
            values = {"column": rule.column, "count": scan.summaries[rule.column].missing}
            if values["count"] and rule.parts:
                yield Note("note.data_filled_date", values)
            elif values["count"] and rule.is_number:
                yield Note("note.data_filled", values | {"fill": float(fills[0])})

    def _constant(self, chosen: Chosen) -> Iterator[bool]:
        """Yield of each input whether it never changes."""
        for column in chosen.inputs:
            one = self.scan.summaries[column.name]
            only_one = len(one.values) + bool(one.missing) == 1
            yield from (
                only_one if input is None else input.low[0] == input.high[0]
                for input in _inputs(one)
            )


def _rule(one: Summary) -> Rule:
    """Return how a column becomes inputs, as its training rows tell."""
    if one.kind == "text":
        lacks_some = bool(one.train_missing) or not one.train_counts
        return Rule(one.name, known_categories(one.train_words, lacks_some=lacks_some))
    return Rule(one.name, (), one.form, one.used)


def _inputs(one: Summary) -> list[Summary | None]:
    """Return what is known of each input that a column becomes; None for one of a category."""
    if one.kind == "text":
        return [None] * len(_rule(one).categories)
    return [one.parts[part] for part in one.used] or [one]


def _part(stream: Stream, name: str, kept: Kept) -> Part:
    """Return rows that were kept as they are as inputs and targets."""
    numbers = kept.numbers
    table = kept.table(name, stream.kinds, stream.forms)
    part = stream.part_of(table, 0, np.arange(len(numbers)))
    return Part(part.x, part.y, numbers, part.sample_weight)


def _scale(one: Summary) -> float:
    """Return the spread of a column; 1 where it never changes, but for rounding."""
    spread = one.moments.spread
    return 1.0 if spread == 0 or spread <= TINY * abs(one.moments.mean) else spread
