"""Other people's interfaces: scikit-learn's estimators."""
