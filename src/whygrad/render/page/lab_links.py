"""Links of a page into the lab that is written beside it: ``NAME-lab.html`` beside ``NAME.html``.

A link names the file without its folder, so it leads there wherever the two are kept together. No
page imports the lab: whoever has it written hands over the function that makes it.
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlencode

from whygrad.words.markup import Child, Markup, element

Address = Mapping[str, object]  # what stands in the hash; ``lab/static/address.js`` reads it


def lab_beside(page: Path) -> Path:
    """Return the file of the lab that a page links to."""
    return page.with_name(f"{page.stem}-lab.html")


def lab_link(file: str, words: Child, address: Address) -> Markup:
    """Return a link to a place in the lab.

    Args:
        file: name of the lab's file.
        words: what the link says.
    """
    return element("a", words, href=f"{quote(file)}#{lab_hash(address)}", class_="lab")


def lab_hash(address: Address) -> str:
    """Return a place in the lab as its address has it.

    Example:
        >>> lab_hash({"room": "neuron", "input": 4.0, "hold": False})
        'room=neuron&input=4.0&hold=0'
    """
    written = {name: int(one) if isinstance(one, bool) else one for name, one in address.items()}
    # half a surrogate pair, which a name may hold, is no reason to write no page
    return urlencode(written, quote_via=quote, errors="surrogatepass")
