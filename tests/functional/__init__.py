"""Laws of activations and functions along rows, and how they take arrays."""
