"""The old names of :mod:`whygrad.record.address`, until all that use them are merged."""

from whygrad.record.address import Address
from whygrad.record.folder import RunFolder

WatchedAddress = Address


def parse(text: str, run: RunFolder) -> Address:
    return Address.parse(text, run.specs)
