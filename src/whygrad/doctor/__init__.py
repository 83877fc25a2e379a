"""What is wrong with a network, told from its factors.

    record --evidence--> Evidence --FAULTS--> Findings --triage--> alarms, notes --> Diagnosis
    Setup  --try_out--> Outcome, with ``verify``: of every remedy beside the original

A ``Setup`` is everything that decides how one of whygrad's own networks trains: data, layers,
starts, settings. It is one frozen record, and ``Setup.changed({"activation": "tanh"})`` is the
only way in which a remedy acts. :mod:`trials` trains a set-up from three seeds in one compiled
call; what differs only in rates, starts, epochs or data shares a compilation. :mod:`baseline` asks
what there is to learn: what ordinary models know of rows that they have not seen. :mod:`reference`
knows the usual choice for every setting. A network that learned enough of both is healthy, and
whatever is odd about it is a note.

:mod:`verifying` tries the remedies of the findings, usual changes, and pairs, until one holds or
the budget ends. :mod:`prescribing` writes what held as a configuration, :mod:`rendering` says it,
and :mod:`health` is the short verdict on the layers that ``train`` ends with.

``benchmarks/faults`` expresses files of published faults as set-ups and diagnoses them; ``make
faults CASES=… OUT=…`` scores that, and ``python -m benchmarks.faults.sweep`` does the same for
generated faults. CONTRIBUTING.md says how to add a fault.
"""

from whygrad.doctor import checks  # noqa: F401 - it fills the table of faults
