"""What is wrong with a network, told from its factors."""

from whygrad.doctor import checks  # noqa: F401 - it fills the table of faults
