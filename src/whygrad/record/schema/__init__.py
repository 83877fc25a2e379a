"""What the files of a run must hold: one table a file, for every producer, read at the door.

``checks`` is the small language of the tables, ``arrays`` that of named arrays and what every file
of recorded rows holds; ``trained`` and ``watched`` are the tables. :mod:`whygrad.record.producers`
says which table is whose. Whoever reads a run's file hands its content to :func:`sound`, so that
all code behind may rely on what the tables say.
"""

from whygrad.record.schema.checks import Check, Fault, sound, sound_lines

__all__ = ["Check", "Fault", "sound", "sound_lines"]
