"""The comparison on twenty tables: the same folds for all, and what the page says of it."""

import json

import numpy as np
from benchmarks.table import blocks_of_tables
from benchmarks.tables.__main__ import fit_folds, keep
from benchmarks.tables.sets import (
    CHOSEN_ON,
    FOLDS,
    GENERATED,
    GROUPS,
    HELD_BACK,
    TABLES,
    TARGET,
    folds,
)

from benchmarks import run


def test_twelve_tables_of_which_six_are_held_back():
    assert len(CHOSEN_ON) == len(HELD_BACK) == 6 and not set(CHOSEN_ON) & set(HELD_BACK)


def test_groups_are_apart_and_the_generated_tables_are_the_same_every_time():
    assert len(TABLES) == sum(map(len, GROUPS.values()))
    for table in GENERATED.values():
        frame = table.read()
        assert frame.equals(table.read()) and frame.notna().all(axis=None)
        assert (frame[TARGET].dtype != float) == table.is_classes


def test_every_row_is_tested_once_and_the_folds_never_change():
    table = CHOSEN_ON["breast_cancer"]
    frame = table.read()
    parts = list(folds(table, frame))
    tested = np.concatenate([test for _, test in parts])
    assert len(parts) == FOLDS and sorted(tested) == list(range(len(frame)))
    for (train, test), (again, _) in zip(parts, folds(table, frame), strict=True):
        assert not set(train) & set(test) and np.array_equal(train, again)
        assert abs(frame[TARGET].iloc[test].mean() - frame[TARGET].mean()) < 0.01  # stratified


def test_some_variants_are_measured_on_some_folds_and_join_what_is_known(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "RESULTS", tmp_path)
    monkeypatch.setattr("benchmarks.tables.__main__.RESULTS", tmp_path)
    only = ["early_stopping", "early_stopping, standardised target"]
    measured = fit_folds("diabetes", "scikit-learn MLP", 2, only)
    assert list(measured) == only and {len(one["scores"]) for one in measured.values()} == {2}
    for variant in only:
        keep("diabetes", "scikit-learn MLP", {variant: measured[variant]})
    kept = json.loads((tmp_path / "tables.json").read_text())["tables"]["diabetes"]["methods"]
    assert kept == {"scikit-learn MLP": measured}


def test_a_method_is_measured_on_all_folds():
    measured = fit_folds("diabetes", "HistGradientBoosting")["defaults"]
    assert len(measured["scores"]) == FOLDS and 0.2 < np.mean(measured["scores"]) < 0.6
    assert measured["wall_seconds"] > 0 and measured["cpu_seconds"] > 0


def test_the_page_shows_the_best_variant_and_what_was_not_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "RESULTS", tmp_path)
    monkeypatch.setattr("benchmarks.tables.__main__.RESULTS", tmp_path)
    low, high, one = (
        {"scores": scores, "cpu_seconds": 1.5}
        for scores in ([0.1, 0.2, 0.3, 0.2, 0.2], [0.5, 0.7], [0.4])
    )
    keep("magic", "scikit-learn MLP", {"defaults": low, "early_stopping": high})
    keep("penguins", "whygrad", {"defaults": low})
    keep("wave", "RealMLP", {"defaults": one})
    results = json.loads((tmp_path / "tables.json").read_text())
    assert list(results["tables"]) == ["penguins", "wave", "magic"]
    _, _, chosen_on, _, generated, _, held_back = blocks_of_tables(results)
    assert chosen_on.splitlines()[2] == "| penguins | 0.2000 ± 0.0316 | – | – | – | 1.5 |"
    assert generated.splitlines()[2] == "| wave | – | – | – | 0.4000 (1 fold) | – |"
    assert held_back.splitlines()[2] == "| magic | – | 0.6000 ± 0.1000 (2 folds) | – | – | – |"
