"""Benchmarks of simdnn: every answer is checked before it is timed. Run ``python -m bench``."""
