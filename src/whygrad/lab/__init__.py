"""The lab: a page where every number can be touched, with an engine of its own in ``static/``."""
