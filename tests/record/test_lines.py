"""Lines of a history, told together, and one by one by the second implementation."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whygrad.errors import RunError
from whygrad.record.schema import sound_lines
from whygrad.record.schema.trained import are_sound_lines, line_of

AN_EPOCH, EPOCHS = 3, 4
RUN = {"data": {"samples": {"train": 6}}, "settings": {"batch_size": 2, "epochs": EPOCHS}}
ODD = (None, True, -1, 0, 1.0, 2.5, 1e308, float("inf"), 10**400, 2**31, "1", [], {})


def lines_at(steps: list[int]) -> list[dict]:
    lines = [{"step": step, "epoch": step // AN_EPOCH, "loss": 0.5} for step in steps]
    for line in lines:
        if (line["step"] + 1) % AN_EPOCH == 0:
            line |= {"train_loss": 0.25, "validation_loss": 1, "validation_accuracy": 0.5}
    return lines


def pass_one_by_one(lines: list[dict]) -> bool:
    try:
        list(sound_lines(Path("history.jsonl"), line_of(RUN), lines))
    except RunError:
        return False
    return True


STEPS = st.lists(st.integers(0, AN_EPOCH * EPOCHS - 1), unique=True).map(sorted)


@given(STEPS)
def test_sound_lines_are_known_together(steps):
    lines = lines_at(steps)
    assert pass_one_by_one(lines) and are_sound_lines(RUN, lines)


@given(STEPS.filter(bool), st.data())
def test_what_is_told_together_is_what_is_told_one_by_one(steps, data):
    lines = lines_at(steps)
    line = data.draw(st.sampled_from(lines))
    name = data.draw(st.sampled_from([*line, "more"]))
    if data.draw(st.booleans()) and name in line:
        del line[name]
    else:
        line[name] = data.draw(st.sampled_from(ODD))
    assert are_sound_lines(RUN, lines) == pass_one_by_one(lines)


@pytest.mark.parametrize("steps", [[1, 1], [2, 0], [AN_EPOCH * EPOCHS], [-1]])
def test_steps_that_do_not_ascend_or_are_none_of_the_run_are_not_passed(steps):
    assert not are_sound_lines(RUN, lines_at(steps))
    assert not pass_one_by_one(lines_at(steps))
