"""Comparisons with other libraries, installed by the extra [peers]."""
