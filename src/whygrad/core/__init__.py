"""The chain rule, written out."""
