"""What MkDocs asks for while it builds the site: MathML, examples in a page's language, the lab.

MathML needs no script and nothing from elsewhere. A line break between two Chinese characters is no
space.
"""

import re
from pathlib import Path
from typing import Any

from whygrad.lab.page import as_page
from whygrad.render.page.formula import as_mathml
from whygrad.words import choose

FORMULA = re.compile(r"\$\$(?P<block>.+?)\$\$|(?<![\\$\w])\$(?P<inline>[^$\n]+?)\$(?![\w$])", re.S)
HAN_BREAK = re.compile(r"(?<=[\u3001-\u9fff\uff01-\uff60])\n(?=[\u3001-\u9fff\uff01-\uff60])")
ROLE = re.compile(r":(?:func|class|meth|mod|data|attr):<code>")
SEARCH = '<div class="md-search" data-md-component="search" role="dialog"'
FENCE = re.compile(r"(```.*?```|`[^`\n]*`)", re.S)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn formulas into MathML, and let the examples of the page speak its language."""
    choose("zh" if page.file.src_uri.endswith(".zh-CN.md") else "en")
    return "".join(
        part if part.startswith("`") else FORMULA.sub(_mathml, HAN_BREAK.sub("", part))
        for part in FENCE.split(markdown)
    )


def _mathml(formula: re.Match[str]) -> str:
    inline = formula["inline"]
    if inline is None:
        return f'<div class="formula">{as_mathml(formula["block"])}</div>'
    return f"<span>{as_mathml(inline, inline=True)}</span>"


def on_page_content(html: str, **_: Any) -> str:
    """Drop the roles of names in docstrings, which are for other tools."""
    return ROLE.sub("<code>", html)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Name the search for screen readers, which the theme leaves without a name."""
    said = "搜索" if page.file.src_uri.endswith(".zh-CN.md") else "Search"
    return output.replace(SEARCH, f'{SEARCH} aria-label="{said}"', 1)


def on_post_build(config: Any, **_: Any) -> None:
    """Write the lab, which the first page of either language shows in a frame."""
    Path(config["site_dir"], "lab.html").write_text(as_page(), "utf-8")
