"""A run on disk, as any producer writes it and any reader reads it."""
