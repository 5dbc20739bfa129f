"""Laws of the benchmark's cases and results."""
