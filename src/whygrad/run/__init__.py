"""Level 5: a run on disk: recorded, read back, replayed."""
