"""Text in other encodings: read where it is named, and told by its looks where it is not."""

import gzip

import numpy as np
import pandas as pd
import pytest

import whygrad as wg
from whygrad.data import load
from whygrad.data.blocks import open_table
from whygrad.data.encodings import likely_encoding
from whygrad.errors import DataError, OptionError

WESTERN = ["Käse", "crème brûlée", "Größe", "plain"]
CHINESE = ["红色", "蓝色", "浅绿", "plain"]
ENCODINGS = {
    "cp1252": WESTERN,
    "iso8859-15": WESTERN,
    "gb18030": CHINESE,
    "utf-16": CHINESE,
    "utf-16-be": WESTERN,
    "utf-32": CHINESE,
    "shift_jis": ["赤", "青い", "緑", "plain"],
}


def text(words: list[str]) -> str:
    rows = "".join(f"{n % 7},{words[n % 4]},{'uv'[n % 2]}\n" for n in range(60))
    return f"size,{words[0]},y\n{rows}"


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("stream", [None, True])
def test_text_is_the_same_in_every_encoding(tmp_path, encoding, packed, stream):
    words, path = ENCODINGS[encoding], tmp_path / f"t.csv{packed}"
    content = text(words).encode(encoding)
    path.write_bytes(gzip.compress(content) if packed else content)
    (tmp_path / "u.csv").write_text(text(words), encoding="utf-8")
    options = {"target": "y", "test": 0, "validation": 0, "stream": stream}
    found, expected = load(path, encoding=encoding, **options), load(tmp_path / "u.csv", **options)
    assert found.feature_names == expected.feature_names
    np.testing.assert_array_equal(found.train.x, expected.train.x)
    (block,) = open_table(path, encoding=encoding).blocks({words[0]: "text"})
    assert block.columns[0].words()[:4].tolist() == words


def test_a_run_of_a_stream_is_read_again(tmp_path):
    (tmp_path / "t.csv").write_bytes(text(WESTERN).encode("cp1252"))
    data = load(tmp_path / "t.csv", target="y", encoding="cp1252", stream=True)
    network = wg.Network.create([data.n_in, 3, data.n_out], seed=1)
    wg.train(network, data, epochs=1, batch_size=16, out=tmp_path / "run")
    run = wg.open_run(tmp_path / "run")
    assert run.data.stream.files[0].encoding == "cp1252"
    assert run.why("hidden1.weight[size, 1]", step=1).named == "hidden1.weight[size, 1]"


def test_json_lines_have_encodings_too(tmp_path):
    frame = pd.DataFrame({"a": WESTERN * 10, "y": [0, 1] * 20})
    lines = frame.to_json(orient="records", lines=True, force_ascii=False)
    (tmp_path / "t.jsonl").write_bytes(lines.encode("latin-1"))
    assert load(tmp_path / "t.jsonl", target="y", encoding="latin-1").feature_names == tuple(
        f"a={word}" for word in sorted(WESTERN)
    )


@pytest.mark.parametrize(
    ("encoding", "likely"),
    [
        ("cp1252", "cp1252"),
        ("iso8859-15", "cp1252"),
        ("gb18030", "gb18030"),
        ("utf-16", "utf-16"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
    ],
)
@pytest.mark.parametrize("stream", [None, True])
def test_the_error_says_what_it_looks_like(tmp_path, encoding, likely, stream):
    (tmp_path / "t.csv").write_bytes(text(ENCODINGS[encoding]).encode(encoding))
    with pytest.raises(DataError) as caught:
        load(tmp_path / "t.csv", target="y", stream=stream)
    assert f"looks like {likely}. Give --encoding {likely} (encoding=" in str(caught.value)
    assert len(load(tmp_path / "t.csv", target="y", encoding=likely, stream=stream).train)


@pytest.mark.parametrize(
    "sample",
    [
        "Käse\n".encode() * 9 + b"K\xe4se\n" + "Käse\n".encode(),  # one damaged line
        bytes(range(256)),
        b"a,b\n1,\0\n",
        b"",
    ],
)
def test_what_looks_like_nothing_is_not_guessed(sample):
    assert likely_encoding(sample) is None


def test_what_is_not_of_the_encoding_is_told_with_its_line(tmp_path):
    rows = [b"a,y\n", *([b"1,0\n", b"2,1\n"] * 20), b"\xff\xff,1\n", b"3,0\n"]
    (tmp_path / "t.csv").write_bytes(b"".join(rows))
    with pytest.raises(DataError, match="should be gb18030 text, but from file line 42 on"):
        load(tmp_path / "t.csv", target="y", encoding="gb18030")


@pytest.mark.parametrize("encoding", ["utf-9", "hex", "rot13", 7, ""])
def test_an_encoding_that_is_none_is_refused(tmp_path, encoding):
    (tmp_path / "t.csv").write_text(text(WESTERN), encoding="utf-8")
    with pytest.raises(OptionError, match="must be one of text that Python knows"):
        load(tmp_path / "t.csv", target="y", encoding=encoding)


def test_a_file_of_numbers_has_no_encoding(tmp_path):
    pd.DataFrame({"a": range(20), "y": [0, 1] * 10}).to_parquet(tmp_path / "t.parquet")
    for stream in (None, True):
        with pytest.raises(OptionError, match="belongs to a file of text"):
            load(tmp_path / "t.parquet", target="y", encoding="cp1252", stream=stream)
    with pytest.raises(OptionError, match="encoding"):
        load("iris", encoding="cp1252")
