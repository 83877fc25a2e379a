"""How good predictions are: measures beside those of the best constant answer.

    constant    the one answer that is best for all rows alike: the baseline
    tally       sums over rows, added piece by piece, so that a part of any length fits
    counting    from counts to precision, recall, F1 and their means
    calibration claims by confidence
    ranking     AUC, from rows drawn where a part is too large to be sorted whole
    measured    what the sums come to, as data
    text, html  the same in words

NumPy alone: claims and targets come in as arrays, whoever computed them. scikit-learn's metrics
take all rows at once, and more than a second to be imported; the tests hold these to them.
"""

from whygrad.training.measures.constant import constant_answer
from whygrad.training.measures.measured import Measures
from whygrad.training.measures.tally import Tally, tally_of

__all__ = ["Measures", "Tally", "constant_answer", "tally_of"]
