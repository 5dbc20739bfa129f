"""The benchmark's cases and contestants."""
