"""The columns of a record: what is kept of every neuron at a recorded step.

FACTORS multiply to the norm of the neuron's weight gradient; see :mod:`whygrad.core.factors`.
"""

FACTORS = ("upstream", "slope", "input", "agreement")
ROW_FIELDS = (
    *FACTORS,
    "open",  # share of samples outside the flat region
    "signature",  # equal for clones; of the neuron after the step
)
