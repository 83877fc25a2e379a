"""Other people's interfaces: estimators, export, import, trackers."""
