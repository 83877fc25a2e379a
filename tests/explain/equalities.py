"""Every equality between numbers that a text prints, found and worked out anew."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

NUMBER = r"\d+(?:\.\d+)?(?:e−?\d+|e-?\d+)?"
WORDS = {
    "sign": lambda x: float((x > 0) - (x < 0)),
    "clip": lambda x, low, high: min(max(x, low), high),
}
SUM = re.compile(rf"(?:{NUMBER}|sign|clip|[-+−·×÷/(), ])+")
LABEL = re.compile(r"\[[^\]]*\]|\([^()]*[^\W\d_][^()]*\)|（[^（）]*）")  # what a number is of
PLAIN = re.compile(rf"[-−+]?\s*{NUMBER}")


@dataclass(frozen=True)
class Equality:
    """left = right, or left ≈ right, as they are printed."""

    left: str
    sign: str
    right: str

    def holds(self) -> bool:
        """Return whether a calculator finds the digits on the right; of ≈, what comes near."""
        left, right = worked_out(self.left), worked_out(self.right)
        if self.sign == "≈":
            return abs(left - right) <= 2e-3 * max(size_of(self.left), size_of(self.right))
        return f"{left + 0.0:.4g}" == f"{right + 0.0:.4g}"  # no zero has a sign


def equalities(text: str) -> Iterator[Equality]:
    """Yield the equalities of a text, line by line."""
    for line in text.splitlines():
        parts = re.split("([=≈])", LABEL.sub("", line))
        for at in range(1, len(parts), 2):
            left = (
                re.split("[:：]", parts[at - 1])[-1].strip() if at == 1 else parts[at - 1].strip()
            )
            right = SUM.match(parts[at + 1].strip())
            if SUM.fullmatch(left) and right and re.search(r"\d", left):
                told = right[0].rstrip(" +-−·×,(")
                yield Equality(left, parts[at], told)


def worked_out(words: str) -> float:
    """Return the value of a sum of products."""
    return float(eval(as_python(words), {"__builtins__": {}}, WORDS))


def size_of(words: str) -> float:
    """Return what the terms of a sum add up to without their signs."""

    def size(node: ast.expr) -> float:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            return size(node.left) + size(node.right)
        return abs(worked_out(ast.unparse(node)))

    return size(ast.parse(as_python(words), mode="eval").body)


def as_python(words: str) -> str:
    for ours, theirs in (("−", "-"), ("·", "*"), ("×", "*"), ("÷", "/")):
        words = words.replace(ours, theirs)
    return words.strip()


def text_of(page: str) -> str:
    """Return what a page says, without styles, scripts and drawings; a line a piece of text."""
    page = re.sub(r"(?s)<(style|script|svg)\b.*?</\1>", "\n", page)
    page = re.sub(r"</?(?:code|b|i|span|em|sub|sup)\b[^>]*>", "", page)
    return unescape(re.sub(r"<[^>]+>", "\n", page)).replace("\xa0", " ")
