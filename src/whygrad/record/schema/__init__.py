"""What the files of a run must hold: one table a file, for both kinds of run, read at the door.

``checks`` is the small language of the tables, ``own`` and ``watched`` are the tables, ``arrays``
is the same for named arrays. Whoever reads a run's file hands its content to :func:`sound`, so that
all code behind may rely on what the tables say.
"""

from whygrad.record.schema.checks import Check, Fault, sound, sound_lines

__all__ = ["Check", "Fault", "sound", "sound_lines"]
