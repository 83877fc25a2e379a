"""The checks, each with its row of the table of faults; importing this package fills the table.

A check takes evidence and returns a finding, or None. The modules are imported in the order of the
chain: data and targets, the output and its loss, the way back, starts and hidden layers, then the
updates, and last what the loss alone shows. In this order rows are listed and explained.
"""

# isort: off
from whygrad.doctor.checks import scales  # noqa: F401
from whygrad.doctor.checks import ends  # noqa: F401
from whygrad.doctor.checks import losses  # noqa: F401
from whygrad.doctor.checks import starts  # noqa: F401
from whygrad.doctor.checks import hidden  # noqa: F401
from whygrad.doctor.checks import loop  # noqa: F401
from whygrad.doctor.checks import steps  # noqa: F401
from whygrad.doctor.checks import curve  # noqa: F401
