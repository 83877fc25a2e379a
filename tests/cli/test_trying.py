"""What ``train`` tells of two ways to train that it tried."""

import pytest

from whygrad.cli.showing import compared_line
from whygrad.training.comparing import Comparison
from whygrad.words import speaking

FEW = ("--samples", "150", "--hidden", "3", "--epochs", "3", "--batch-size", "32")


def test_what_was_tried_is_told_before_what_was_chosen(whygrad, tmp_path):
    told = whygrad("train", "xor", *FEW, cwd=tmp_path).out
    assert told.index("Tried on a part of the data: ") < told.index("Chosen for these data: ")
    again = whygrad("train", "--config", str(next(tmp_path.glob("*/*"))), cwd=tmp_path).out
    assert "Tried" not in again


@pytest.mark.parametrize(
    ("task", "spoken", "expected"),
    [
        (
            "classes",
            "en",
            "Tried on a part of the data: 25.0 % wrong in validation with strong regularization, "
            "5.0 % with weak (difference ± 6.2 %)",
        ),
        (
            "numbers",
            "en",
            "Tried on a part of the data: mean squared error in validation 0.25 with strong "
            "regularization, 0.05 with weak (difference ± 0.0625)",
        ),
        (
            "binary",
            "zh",
            "已用部分数据试过：验证错误率在强正则化下为 25.0%，在弱正则化下为 5.0%（差值 ± 6.2%）",
        ),
    ],
)
def test_a_comparison_is_told_in_the_measure_of_its_task(task, spoken, expected):
    with speaking(spoken):
        assert compared_line(Comparison(0.25, 0.05, 0.0625), task) == expected
