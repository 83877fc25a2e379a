r"""Formulas in LaTeX as plain text, for terminals and for those who listen.

    as_text(r"\frac{\partial C}{\partial b_k} = \delta_k \cdot 1")    gives    ∂C/∂b_k = δ_k · 1

It knows the LaTeX that lessons use; of what it does not know, the name is left.
"""

import re

SYMBOLS = {
    **{"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε"},
    **{"varepsilon": "ε", "eta": "η", "theta": "θ", "lambda": "λ", "mu": "μ", "nu": "ν"},
    **{"pi": "π", "rho": "ρ", "sigma": "σ", "Sigma": "Σ", "tau": "τ", "phi": "φ", "psi": "ψ"},
    **{"omega": "ω", "nabla": "∇", "infty": "∞"},
    **{"ldots": "…", "dots": "…", "cdots": "…", "vdots": "⋮", "top": "T", "prime": "′"},
    **{"|": "‖", "ell": "ℓ", "circ": "∘"},
    **{"langle": "⟨", "rangle": "⟩", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉"},
    **{"{": "{", "}": "}", "%": "%", "&": "&", "_": "_", "#": "#", "$": "$"},
}
SIGNS = {  # these stand between two spaces
    **{"cdot": "·", "times": "×", "div": "÷", "odot": "⊙", "pm": "±", "mp": "∓", "ast": "*"},
    **{"approx": "≈", "neq": "≠", "ne": "≠", "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥"},
    **{"equiv": "≡", "sim": "~", "propto": "∝", "in": "∈", "ll": "≪", "gg": "≫", "mid": "|"},
    **{"to": "→", "rightarrow": "→", "Rightarrow": "⇒", "mapsto": "↦", "leftarrow": "←"},
    **{"=": "=", "<": "<", ">": ">", "+": "+", "-": "−", "·": "·", "×": "×"},
}
GAPS = {"quad": "   ", "qquad": "      ", ",": " ", ";": " ", ":": " ", " ": " ", "!": ""}
SILENT = ("big", "Big", "bigl", "bigr", "Bigl", "Bigr", "displaystyle", "limits")
WORDS = ("text", "mathrm", "operatorname", "textrm", "mathit")
ACCENTS = {"bar": "\u0304", "hat": "\u0302", "tilde": "\u0303", "vec": "\u20d7", "dot": "\u0307"}
RAISED = str.maketrans("0123456789+-−=()nijkmT′", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱʲᵏᵐᵀ′")

TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\s+|[0-9]+(?:\.[0-9]+)?|.", re.DOTALL)
WHOLE = re.compile(r"[−+]?[\w.∂∇∞′″…\u0300-\u036f\u20d7]*|\([^()]*\)|[|‖][^|‖]*[|‖]|⟨[^⟨⟩]*⟩")
# Marks beside which no space may stand, before or after; they are taken out at the end.
NO_SPACE_AFTER, NO_SPACE_BEFORE = "\u2060", "\u2061"
NEXT_CELL = "\u2063"  # between what "&" sets apart
LETTERS = {"'": "′", "&": NEXT_CELL, "~": " "}
HUGGING = {
    **{name: sign + NO_SPACE_AFTER for name, sign in {"partial": "∂", "Delta": "Δ"}.items()},
    **{name: sign + NO_SPACE_AFTER for name, sign in {"lVert": "‖", "lvert": "|"}.items()},
    **{name: NO_SPACE_BEFORE + sign for name, sign in {"rVert": "‖", "rvert": "|"}.items()},
}


def as_text(latex: str) -> str:
    r"""Return a formula as plain text: fractions as a/b, Greek letters as they are.

    Example:
        >>> as_text(r"\frac{\partial C}{\partial w_{jk}} = \delta_k \cdot a_j")
        '∂C/∂w_jk = δ_k · a_j'
    """
    return _tidy(Reader(latex).until(None).replace(NEXT_CELL, ""))


def _tidy(text: str) -> str:
    text = re.sub(rf"{NO_SPACE_AFTER} *| *{NO_SPACE_BEFORE}", "", text)
    text = re.sub(r"((?:^|[(\[{⟨,^]) ?)− ", r"\1−", text)  # a sign of what follows
    text = re.sub(r"([=≈≤≥<>·×/+→⇒≠∈] )− ", r"\1−", text)
    text = re.sub(r"(?<=\S) {2}(?=\S)", " ", re.sub(r" *\n *", "\n", text))
    return re.sub(r"([(\[]) | (?=[)\],])", r"\1", text).strip()


class Reader:
    """Reads LaTeX from left to right; what it has a method for, ``COMMANDS`` names."""

    def __init__(self, latex: str) -> None:
        self.tokens = TOKEN.findall(latex)
        self.place = 0

    def until(self, end: str | None) -> str:
        """Return what stands before a token, or before the end."""
        parts: list[str] = []
        while self.place < len(self.tokens):
            token = self._next()
            if token == end:
                break
            if told := self._told(token, parts):
                parts.append(told)
        return "".join(parts)

    def _next(self) -> str:
        self.place += 1
        return self.tokens[self.place - 1]

    def _peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def argument(self) -> str:
        """Return the next group, or the next token where no group stands."""
        while self._peek().isspace():
            self.place += 1
        token = self._next() if self._peek() else ""
        return _tidy(self.until("}") if token == "{" else self._told(token, []))

    def _told(self, token: str, before: list[str]) -> str:
        if token.isspace():
            return " " if before and not before[-1].endswith(" ") else ""
        if token == "{":
            return self.until("}")
        if token in "_^":
            inside = _close(self.argument())
            return _raised(inside) if token == "^" else _lowered(inside)
        name = token.removeprefix("\\")
        if name in SIGNS:
            gap = "" if not before or before[-1].endswith(" ") else " "
            return f"{gap}{SIGNS[name]} "
        return self._command(name) if token.startswith("\\") else LETTERS.get(token, token)

    def _command(self, name: str) -> str:
        if name in COMMANDS:
            return COMMANDS[name](self)
        if name in GAPS:
            return GAPS[name]
        if name in SILENT:
            return ""
        known = HUGGING.get(name) or SYMBOLS.get(name)
        is_function = known is None and re.match(r"[{\\A-Za-z]", self._peek())
        return f"{name} " if is_function else known or name

    def limits(self, sign: str) -> str:
        """Return a sum or product with what it runs over."""
        limits: dict[str, str] = {}
        while self._peek() in ("_", "^"):
            where = self._next()
            limits[where] = _close(self.argument())
        return sign + (_lowered("…".join(limits.values())) if limits else "")

    def fraction(self) -> str:
        over, under = (_bracketed(self.argument()) for _ in range(2))
        return f"{over}/{under}"

    def delimiter(self, mark: str) -> str:
        sign = self.argument().replace(".", "")
        return sign + mark if mark == NO_SPACE_AFTER else mark + sign

    def root(self) -> str:
        return f"√{_bracketed(self.argument())}"

    def mean(self) -> str:
        inside = self.argument()
        return inside + ACCENTS["bar"] if len(inside) == 1 else f"⟨{inside}⟩"

    def braced(self) -> str:
        inside = self.argument()
        if self._peek() in ("_", "^"):
            self.place += 1
            return f"{_bracketed(inside)} [{self.argument()}]"
        return inside

    def words(self) -> str:
        while self._next() != "{":
            pass
        parts = []
        while self._peek() and (token := self._next()) != "}":
            parts.append(token.removeprefix("\\"))
        return "".join(parts)

    def inside_class(self) -> str:
        self.argument()
        return self.argument()

    def environment(self) -> str:
        name = self.argument()
        inside = self.until("\\end").strip()
        self.argument()
        if name != "cases":
            return inside
        return "{" + re.sub(rf" *{NEXT_CELL} *", ", ", re.sub(r" *\n *", "; ", inside)) + "}"


COMMANDS = {
    "frac": Reader.fraction,
    "tfrac": Reader.fraction,
    "dfrac": Reader.fraction,
    "sqrt": Reader.root,
    "overline": Reader.mean,
    "sum": lambda reader: reader.limits("Σ"),
    "prod": lambda reader: reader.limits("∏"),
    "underbrace": Reader.braced,
    "overbrace": Reader.braced,
    "left": lambda reader: reader.delimiter(NO_SPACE_AFTER),
    "right": lambda reader: reader.delimiter(NO_SPACE_BEFORE),
    "class": Reader.inside_class,
    "begin": Reader.environment,
    "\\": lambda reader: "\n",
    **{name: Reader.words for name in WORDS},
    **{
        name: lambda reader, mark=mark: "".join(c + mark for c in reader.argument())
        for name, mark in ACCENTS.items()
    },
    **dict.fromkeys(("mathbf", "boldsymbol", "mathcal", "bm"), Reader.argument),
}


def _close(text: str) -> str:
    """Return what stands in a corner without spaces."""
    return re.sub(r"\s*([=+−,·≤≥<>])\s*", r"\1", text).strip()


def _lowered(text: str) -> str:
    return f"_{text}" if re.fullmatch(r"\w+", text) else f"_({text})"


def _raised(text: str) -> str:
    lifted = text.translate(RAISED)
    is_lifted = all(a != b for a, b in zip(text.replace("′", ""), lifted, strict=False))
    if is_lifted or set(text) == {"′"}:
        return lifted
    return f"^{text}" if re.fullmatch(r"\w+|\([^()]*\)", text) else f"^({text})"


def _bracketed(text: str) -> str:
    """Return a part of a fraction, in brackets where it is more than one thing."""
    return text if WHOLE.fullmatch(text) else f"({text})"
