"""Cases of the benchmark, one module per topic."""
