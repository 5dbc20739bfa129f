"""Estimators in scikit-learn's world."""
