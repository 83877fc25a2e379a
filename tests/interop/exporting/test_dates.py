"""Dates in exports: kept in safetensors, and numbers, a part each, where there is no such type."""

import numpy as np
import onnxruntime
import pandas as pd
import pytest

import whygrad as wg
from whygrad.interop.exporting.torch_script import load_script


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> wg.Run:
    days = pd.date_range("2024-01-05", periods=40, freq="31h").strftime("%d.%m.%Y %H:%M")
    table = pd.DataFrame({"day": days, "size": np.arange(40.0), "y": np.arange(40) % 7 / 3})
    data = wg.load(table, target="y")
    network = wg.Network.create([data.n_in, 3, 1], seed=0)
    return wg.train(network, data, epochs=1, out=tmp_path_factory.mktemp("dates") / "run")


DAYS = pd.DatetimeIndex(["2025-03-01 10:30", "2023-12-31 00:00"])
ROWS = pd.DataFrame({"day": DAYS.strftime("%d.%m.%Y %H:%M"), "size": [3.0, 5.0]})
CLOCK = [DAYS.hour, DAYS.minute]
PARTS = np.stack(
    [DAYS.year, DAYS.month, DAYS.day, DAYS.day_of_week + 1, *CLOCK, ROWS["size"]], axis=1
)


def test_a_file_of_tensors_reads_dates_as_the_run_does(run, tmp_path):
    told = run.export(tmp_path / "net.safetensors")
    assert told.dates == ()
    again = wg.from_safetensors(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(again.predict(ROWS), run.predict(ROWS))


@pytest.mark.parametrize("ending", ["onnx", "py"])
def test_other_files_take_the_parts_of_dates_as_numbers(run, tmp_path, ending):
    told = run.export(tmp_path / f"net.{ending}")
    assert told.dates == ("day",)
    said = "Dates go in as numbers, a part each (day.year, day.month, …), of these columns: day."
    assert said in str(told).splitlines()
    if ending == "onnx":
        session = onnxruntime.InferenceSession(told.path, providers=["CPUExecutionProvider"])
        (found,) = session.run(["quantities"], {"input": PARTS})
    else:
        script = load_script(told.path)
        assert script.COLUMNS[:2] == ["day.year", "day.month"]
        found = script.claims(PARTS.tolist()).numpy()
    np.testing.assert_allclose(found, run.predict(ROWS), rtol=1e-5)
