"""One module a lesson; each ends in ``LESSON``."""
