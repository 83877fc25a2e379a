"""The report of a watched model: the weight with the largest gradient, as its record has it."""

import re

import numpy as np
import pytest

import whygrad as wg
from whygrad.render.report.ledgers import choose, explainable
from whygrad.render.report.material import Material
from whygrad.words import number

torch = pytest.importorskip("torch")


class Attentive(torch.nn.Module):
    """A convolution, projections that are packed in one parameter, and a linear layer."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv1d(2, 4, 3, padding=1)
        self.attention = torch.nn.MultiheadAttention(4, 2, batch_first=True)
        self.out = torch.nn.Linear(4, 3)

    def forward(self, x):
        rows = torch.relu(self.conv(x)).transpose(1, 2)
        return self.out(self.attention(rows, rows, rows)[0].mean(dim=1))


@pytest.mark.parametrize("free", ["conv.weight", "attention.in_proj_weight", "out.weight", None])
def test_the_weight_with_the_largest_gradient_is_told(tmp_path, free):
    torch.manual_seed(0)
    model = Attentive()
    for name, parameter in model.named_parameters():  # all learn, or one of the weights alone
        parameter.requires_grad_(free in (None, name))
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    x, y = torch.randn(8, 2, 5), torch.randint(0, 3, (8,))
    with wg.watch(model, every=1, out=tmp_path / "run") as watch:
        for _ in range(3):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(x), y)
            loss.backward()
            weights = {
                name: parameter.grad.numpy().copy()
                for name, parameter in model.named_parameters()
                if parameter.grad is not None and not name.endswith("bias")
            }
            optimizer.step()
    run = watch.run
    *_, told = choose(explainable(Material(run)))
    name = max(weights, key=lambda one: np.abs(weights[one]).max())
    index = np.unravel_index(np.abs(weights[name]).argmax(), weights[name].shape)
    assert free in (None, name)
    assert told.address == f"{name}[{', '.join(map(str, index))}]"
    assert told.value == pytest.approx(float(weights[name][index]), rel=1e-4)
    assert run.why(told.address, step=told.step).gradient == pytest.approx(told.value, rel=1e-6)
    page = run.report(tmp_path / "report.html").read_text("utf-8")
    assert f"{told.address}: the largest gradient of all weights, each layer taken at" in page
    assert number(told.value) in page
    chinese = re.findall(r'<span class="said" lang="zh-Hans">([^<]*)', page)
    shares = [text for text in chinese if "%" in text]
    assert shares and not [text for text in shares if re.search(r"\s%", text)]
