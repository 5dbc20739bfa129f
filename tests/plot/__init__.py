"""Plots and profiles of networks."""
