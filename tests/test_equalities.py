"""The calculator that tests hold printed equalities against: what it finds, and what it refutes."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from equalities import broken, calculated, equalities, text_of_math

TRUE = (
    "δ · 1 = 0.2332 · 3 = 0.6996",
    "0.2332 · 3 ≈ 0.6997",
    "z = Σ w · x + b = +0.5·2 [x, y] −0.25·(−2) [hidden1[3]] +3 = 4.5",
    "The gradient is 0.5 × (−2) = −1. The bias has another.",
    "梯度：0.5 × (−2) = −1。",
    "loss 2.5 = 2 (task) + 0.5 (l2)",
    "½ (0.5 − 1)² = 0.125",
    "|0.25 − 1| ÷ 3 = 0.25",
    "0.2332¹⁹ ≈ 9.683 × 10⁻¹³",
    "a ≈ sigmoid(0.5) ≈ 0.6224",
    "sigmoid(0.5) = 0.6225   0.5 + 0.5 = 1",
    "clip(3 − 1, −1, 1) = 1",
    "1.2e-7 · 2 = 2.4e-7",
    "√(4) = 2",
)
FALSE = (
    "0.2332 · 3 = 0.6997",
    "0.2332 · 3 ≈ 0.7",
    "0.2332¹⁹ = 9.683 × 10⁻¹³",
    "z = 0.5 · 2 = 1.001",
    "(0.5 − 1)² = −0.25",
    "一共 2 × 3 = 7 个",
    "sigmoid(0.5) ≈ 0.6236",
    "Either way: −3 · 0.5 = −1.5, and 2 + 2 = 5",
)
SYMBOLIC = (
    "u · 3 = 0.5",
    "w12 = 0.5",
    "f(0.5) = 0.6",
    "0.2 · 3 = 0.6 · u",
    "f′(z) = 0.2 · 3",
    "x − 1 = 2",
    "δ × 0 = 0",
    "np.sum(delta, axis=1)",
    "a 0.5 = 3",
    "3 = 0.5 w",
    "3 = ½ (a − y)²",
    "upstream 0.5 · slope 0.2 = 0.1",
)


@pytest.mark.parametrize("text", TRUE)
def test_what_is_equal_holds(text):
    assert [*equalities(text)] and broken(text) == []


@pytest.mark.parametrize("text", FALSE)
def test_what_is_not_is_refuted(text):
    assert len(broken(text)) == 1


@pytest.mark.parametrize("text", SYMBOLIC)
def test_symbols_are_no_business_of_a_calculator(text):
    assert [*equalities(text)] == []


def test_nothing_but_numbers_is_calculated():
    assert calculated("2 · (1 + 0.5)") == 3
    for text in ("", "w", "1 ÷ 0", "2 ·", "__import__", "exp(1)"):
        assert calculated(text) is None


def test_a_formula_becomes_text():
    fraction = "<mfrac><mn>1</mn><mn>4</mn></mfrac>"
    rule = '<mi data-rule="tanh">σ</mi><mo>(</mo><mn>0</mn><mo>)</mo>'
    assert text_of_math(f"<math><mrow>{fraction}<mo>=</mo><mn>0.25</mn></mrow></math>") == (
        "(1) ÷ (4) = 0.25"
    )
    assert broken(text_of_math(f"<math>{rule}<mo>=</mo><mn>0.1</mn></math>"))
    rows = "".join(
        f"<mtr><mtd>{sign}</mtd><mtd><mi>{name}</mi></mtd><mtd><mn>{value}</mn></mtd></mtr>"
        for sign, name, value in (("", "a", 2), ("<mo>·</mo>", "b", 3), ("<mo>=</mo>", "c", 7))
    )
    told = text_of_math(f'<math class="upright"><mtable>{rows}</mtable></math>')
    assert len(broken(told)) == 1
