"""What torch warns of is told of the program's line, watched or not, and as often."""

import warnings
from contextlib import AbstractContextManager, nullcontext

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import whygrad as wg


class Careless(nn.Module):
    """Warns in Python, from C++, and twice with the same words."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.drop = nn.Dropout2d(0.1)

    def forward(self, x):
        h = F.softmax(self.layer(x))
        h = h + F.softmax(h)
        spread = h[:1].std(0)
        return F.dropout2d(self.drop(h), 0.1).square().mean() + 0 * spread.nan_to_num().sum()


def warned(watching: AbstractContextManager, model: nn.Module, action: str, **of) -> list[tuple]:
    """Train for four steps and return what was warned of, and where."""
    torch.manual_seed(0)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        warnings.filterwarnings(action, **of)
        shown = warnings.showwarning
        with watching:
            for _ in range(4):
                optimizer.zero_grad()
                model(torch.ones(3, 4)).backward()
                optimizer.step()
        assert warnings.showwarning is shown
    return [(str(one.message), one.category, one.filename, one.lineno) for one in caught]


@pytest.mark.parametrize("action", ["default", "always", "once"])
def test_warnings_are_told_of_the_same_lines_as_often(action):
    model = Careless()
    plain = warned(nullcontext(), model, action)
    assert len(plain) >= 4 and any("degrees of freedom" in one[0] for one in plain)
    assert any(one[2] == __file__ for one in plain)
    assert warned(wg.watch(model, every=2), model, action) == plain


def test_filters_of_the_programs_modules_hold():
    model, mine = Careless(), __name__.replace(".", r"\.")
    plain = warned(nullcontext(), model, "ignore", module=mine)
    assert plain and not any(one[2] == __file__ for one in plain)
    assert warned(wg.watch(model, every=2), model, "ignore", module=mine) == plain


def test_two_watches_tell_of_the_same_lines():
    class Both(AbstractContextManager):
        def __enter__(self):
            self.watches = [wg.watch(part, every=1) for part in (model, model.layer)]
            for watch in self.watches:
                watch.attach()

        def __exit__(self, *_):
            for watch in self.watches:
                watch.detach()

    model = Careless()
    assert warned(Both(), model, "default") == warned(nullcontext(), model, "default")


def test_a_warning_that_is_an_error_is_one_at_the_programs_line():
    model = Careless()
    with wg.watch(model, every=1), warnings.catch_warnings():
        warnings.filterwarnings("error", module=__name__.replace(".", r"\."))
        with pytest.raises(UserWarning, match="Implicit dimension"):
            model(torch.ones(3, 4))
