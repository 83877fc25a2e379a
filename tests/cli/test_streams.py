"""The command line on tables that are streamed: from a folder to a run that tells of itself."""

import csv
import random

import pytest


def folder_of(path, rows=600):
    draw = random.Random(0)
    for part in range(3):
        folder = path / "trips" / f"year={2022 + part}"
        folder.mkdir(parents=True)
        with (folder / "part.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["far", "kind", "late"])
            for _ in range(rows // 3):
                far = draw.random()
                writer.writerow([round(far, 4), draw.choice("ab"), int(far > 0.5)])
    return path / "trips"


def test_from_a_folder_to_predictions(whygrad, tmp_path):
    folder_of(tmp_path)
    trained = whygrad(
        "train", "trips", "--target", "late", "--epochs", "3", "--buffer", "100", "--out", "run",
        cwd=tmp_path,
    )  # fmt: skip
    assert trained.code == 0, trained.err
    assert "600 rows in 3 files are streamed" in " ".join(trained.out.split())
    part = (tmp_path / "trips" / "year=2023" / "part.csv").read_text().splitlines()
    rows = "\n".join([f"{part[0]},year", *(f"{line},2023" for line in part[1:])])
    (tmp_path / "rows.csv").write_text(rows)
    for command in (
        ("why", "run", "hidden1.weight[0, 1]", "--step", "3"),
        ("show", "run", "--check"),
        ("evaluate", "run"),
        ("predict", "run", "rows.csv", "--out", "out.csv"),
    ):
        done = whygrad(*command, cwd=tmp_path)
        assert done.code == 0, done.err
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 201
    (tmp_path / "trips" / "year=2023" / "part.csv").unlink()
    done = whygrad("why", "run", "hidden1[1]", "--step", "3", cwd=tmp_path)
    assert done.code == 2 and "is not there or cannot be read" in " ".join(done.err.split())
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--no-stream",), "always streamed"),
        (("--buffer", "0"), "buffer must be a whole number of rows above 0"),
        (("--target", "nobody"), "There is no column called nobody"),
    ],
)
def test_mistakes_are_told_in_words(whygrad, tmp_path, options, said):
    folder_of(tmp_path, rows=60)
    done = whygrad("train", "trips", "--target", "late", *options, cwd=tmp_path)
    assert done.code == 2 and said in " ".join(done.err.split())
    assert "Traceback" not in done.err
    assert not (tmp_path / "runs").exists()
