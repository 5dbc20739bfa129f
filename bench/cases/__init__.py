"""The cases of the benchmark, one module for each theme."""
