"""Laws of the scikit-learn estimators."""
