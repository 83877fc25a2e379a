"""Attacks from outside, as scripts: whatever is read may have been written by a stranger."""
