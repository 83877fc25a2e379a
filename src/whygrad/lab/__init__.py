"""The lab: one HTML file in which every number of back-propagation can be touched.

The page needs no server, no network and no Python: :mod:`pack` puts the modules of ``static/``,
their styles and the words of both languages into one file. Its engine, ``static/engine.js``, is
the one second engine that there is.

    entry (made by the packer) -> app.js -> rooms/NAME.js -> picture, formulas
                                     |-> state.js, player.js      what is shown, what is run
                                     |-> engine.js, numbers.js    the chain rule in JavaScript

A room is one module, ``static/rooms/NAME.js``, that exports ``room``; what it is made of stands in
``static/rooms/README.md``. It is offered once its file is there.

``wg.lab(...)`` calls this module; see :func:`whygrad.lab.page.lab`.
"""

import sys
from types import ModuleType
from typing import Any


class _Lab(ModuleType):
    """The module itself can be called: a function of its name would be lost once it is imported."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from whygrad.lab.page import lab

        return lab(*arguments, **options)


sys.modules[__name__].__class__ = _Lab
