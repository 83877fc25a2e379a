"""Every threshold of the doctor, by name, with its source; and how sure it is beyond one.

Those of own networks without a source of their own were chosen on the sweep over faults
(``benchmarks/faults``), those of watched models on the programs of ``tests/doctor/watched``.
"""

import math
from typing import Final

# Where checks, thresholds and remedies come from, as rows of the table cite it
KARPATHY: Final = "Karpathy 2019, A Recipe for Training Neural Networks"
LECUN: Final = "LeCun, Bottou, Orr and Mueller 1998, Efficient BackProp"
GLOROT: Final = "Glorot and Bengio 2010"
HE: Final = "He, Zhang, Ren and Sun 2015"
BISHOP: Final = "Bishop 2006, section 4.3.6"
GOODFELLOW: Final = "Goodfellow, Bengio and Courville 2016"
BENGIO: Final = "Bengio 2012, Practical Recommendations"
CHECKER: Final = "Ben Braiek and Khomh 2022, TheDeepChecker"
HOCHREITER: Final = "Hochreiter 1991"
PYTORCH: Final = "docs.pytorch.org"

# What a finding is (faults.py); of own networks from the sweep
ALARM: Final = 0.4  # weight from which a finding is an alarm, or ill
ODD: Final = 0.6  # confidence of what is told though the network learns, and of a cause
FAULTY: Final = 0.4  # confidence from which something else is wrong than the length of the run
CERTAIN: Final = 0.9  # confidence of what is told before training is over
LEAST_WEIGHT: Final = 0.1  # below, a finding is not told
MOST_FINDINGS: Final = 5
HARMLESS: Final = 0.2  # confidence where the loss of a watched model falls all the same
UNEXPLAINED: Final = 0.3  # weight of a finding whose remedies did nothing: it may take two changes
UNTRIED: Final = 0.5  # share of the lost learning that counts as explained before any trial
LITTLE: Final = 0.2  # of what was not learned: a remedy that brings back less refutes a finding
BY_TRIAL: Final = 0.35  # confidence of what no check saw

# Whether a network learns: shares of what can be learned
LEARNS: Final = 0.88  # of what an ordinary model knows of rows that it has not seen
LEARNS_BY_HEART: Final = 0.7
LEARNS_OF_REFERENCE: Final = 0.6  # of what the reference configuration learned in as many steps
LEARNS_THOUGH_ODD: Final = 0.8  # of that, where a check finds something odd
ALMOST: Final = 0.7  # learned, and the loss still falls: it is on its way
CURED: Final = 0.9
HALF_BACK: Final = 0.5  # of what was not learned: a trial that brings back less shows nothing

FEW_ROWS: Final = 40  # below, holding some back says nothing
CARRIES_OVER: Final = 0.1  # of what there is to know: less is nothing
AT_PLATEAU: Final = 0.03  # of accuracy or r2
ROOM: Final = 0.1  # a plateau this far below what can be learned is worth a word

# Trials
SEEDS: Final = (1000, 1001, 1002)
AS_GOOD: Final = 0.03  # remedies this near to the best are as good; the smaller one is taken
TRIED_PAIRS: Final = 30
OF_A_PAIR: Final = 0.5  # of what two remedies together brought back counts for each
MOST_COMPONENTS: Final = 2  # a remedy that changes more is another network

# The loss over a run
STILL_FALLING: Final = 0.95  # of the loss a quarter of the run before
FALLEN: Final = 0.1  # of its size: a watched loss has improved
FALLING: Final = -0.6  # rank correlation with the step below which a noisy curve goes down
RISING: Final = 0.6  # above, it goes up
RISEN: Final = 0.1  # of its size
LOWER: Final = 0.9  # of where it began: a loss that is below has fallen all the same
LEAST_LOSSES: Final = 4  # before first and last quarters are compared
ENOUGH_LOSSES: Final = 6  # that tell a direction
EARLY: Final = 50  # steps of a watched model, before which how its loss moves says nothing
ABSURD: Final = 2.0  # times the loss of guessing, ln(classes)
AT_GUESSING: Final = 0.02  # of the loss of guessing
GROWN_LOSS: Final = 1.2  # times its start: it overshoots
OVERFITTED: Final = 1.2  # times the lowest validation loss: Goodfellow 2016, section 7.8
STILL_EPOCHS: Final = 3  # over which the loss must not have fallen while training goes on
STILL_LOSS: Final = 0.01  # of it: less is not falling

# Sizes of data: about 1 is usual (LeCun, Bottou, Orr and Mueller 1998, section 4.3)
LARGE_INPUT: Final = 3.0  # root mean square
SMALL_INPUT: Final = 0.05
UNLIKE_COLUMNS: Final = 10.0  # largest spread of a column over the median one
LARGE_TARGET: Final = 3.0  # root mean square
SMALL_TARGET: Final = 0.02  # spread
LARGEST_TARGET: Final = 10.0  # of a watched batch; about three times its root mean square
NARROW_TARGETS: Final = 0.06  # from the lowest to the highest, about three times their spread
OUTSIDE: Final = 0.01  # share of the targets beyond the output's range
BEYOND: Final = 0.01  # of an activation's range: rounding reaches a little beyond

# Starts: powers of ten from Glorot's and He's size, over all layers together
LOST_DECADES: Final = 1.0
WON_DECADES: Final = 0.7
SHUT_START: Final = 0.5  # of a layer's neurons
LARGE_BIAS: Final = 0.3  # smaller ones close nothing that the weights leave open

# Layers and neurons
DEEP: Final = 6  # hidden layers: Lu and others 2020
NARROW: Final = 16  # neurons a layer of a deep network
CLOSED: Final = 0.05  # of the steepest slope, or of the samples, as in explain.cause
CANCELLED: Final = 1e-3  # of the next neurons' pushing is left, as in explain.cause
FADED_SLOPES: Final = 1e-3  # of the push at the output is left: AutoTrainer
SOME: Final = 0.1  # of a layer's neurons: worth a look
SHARE: Final = 0.5  # of a layer's neurons: the layer is ill
SHUT_STEPS: Final = 3  # recorded steps, at least, in which a whole layer must be shut
LEAST_STEPS: Final = 3  # recorded; fewer prove nothing
ALIKE: Final = 1e-5  # of a signature's size: rounding, and nothing more
GROUP: Final = 3  # neurons; two may meet
FADED: Final = 1e-4  # of the push at the end of the network: Hochreiter 1991
GROWN: Final = 1e4

# Steps
FAR_RATE: Final = 0.9  # powers of ten from the usual learning rate: Bengio 2012
SHORT_REACH: Final = 1.0  # steps * rate of an optimiser whose steps are as long as its rate
FEW_STEPS: Final = 1000
BARELY: Final = 0.1  # of the size of the weights
LED: Final = 0.1  # of the first gradient that is left to follow
SMALL_BATCH: Final = 4
LARGE_BATCH: Final = 64
LONG: Final = 0.3  # update against weight; about 1e-3 is usual (Karpathy 2019; Bengio 2012)
SHORT: Final = 1e-6

# Penalties
STRONG_DROPOUT: Final = 0.5  # Srivastava and others 2014
NOTABLE_DROPOUT: Final = 0.2  # in a layer of few neurons
FEW_NEURONS: Final = 8  # dropping some leaves few
STRONG_L1: Final = 1e-3
STRONG_L2: Final = 5e-3
STRONG_DECAY: Final = 1.0  # of AdamW, whose decay is multiplied with the rate alone

# A training loop that is watched
MOST: Final = 0.5  # of the recorded steps or calls: once or twice may be meant
LATER: Final = 0.5  # of the recorded steps: what holds from here on is no matter of the start
ENOUGH_CALLS: Final = 10  # before a guess is made from their values alone


def sure(start: float, a_decade: float, decades: float) -> float:
    """Return a confidence that grows with the distance from the usual, in [0, 0.98].

    Args:
        start: at the threshold.
        a_decade: growth a power of ten beyond it.
        decades: how many powers of ten beyond it.
    """
    return min(max(start + a_decade * decades, 0.0), 0.98)


def decades(value: float, usual: float) -> float:
    """Return how many powers of ten a value is above the usual; below is negative."""
    return math.log10(max(value, 1e-30) / usual)
