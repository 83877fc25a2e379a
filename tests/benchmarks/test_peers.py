"""The six networks: what counts as right, and that the broken ones are broken as they say."""

import numpy as np
import pytest
from benchmarks.faults import peers

import whygrad as wg
from whygrad.doctor.diagnosis import Diagnosis
from whygrad.doctor.finding import Finding


@pytest.mark.parametrize(
    ("name", "kinds", "is_right"),
    [
        ("healthy", [], True),
        ("healthy", ["clones"], False),
        ("constant", ["clones", "dead"], True),
        ("constant", ["dead", "clones"], False),
        ("constant", [], False),
        ("saturated", ["unscaled_inputs"], True),
    ],
)
def test_the_first_finding_decides(monkeypatch, capsys, name, kinds, is_right):
    found = Diagnosis(tuple(Finding(kind, 0.9) for kind in kinds), (), 0.5, (0.5,) * 3)
    monkeypatch.setattr(peers, "diagnosed", lambda case: found)
    assert peers.told(name, peers.CASES[name]) == is_right
    assert capsys.readouterr().out.startswith("+" if is_right else "-")


def test_the_exit_code_is_1_where_one_is_wrong(monkeypatch, capsys):
    monkeypatch.setattr(peers, "told", lambda name, case: name != "dead")
    with pytest.raises(SystemExit, match="1"):
        peers.main()
    assert "5 of 6" in capsys.readouterr().out


def test_the_dead_are_dead_and_the_clones_are_clones():
    built = {n: wg.Network.create(peers.SIZES, **c.network) for n, c in peers.CASES.items()}
    x = np.random.default_rng(0).normal(size=(50, 64)).astype(np.float32)
    for name, closed in {"healthy": 0, "mostly dead": 26, "dead": 32}.items():
        hidden = np.asarray(wg.forward(built[name], x)["hidden1"].output)
        assert int((hidden == 0).all(axis=0).sum()) == closed, name
    assert set(wg.effective_width(built["constant"]).values()) == {1}
