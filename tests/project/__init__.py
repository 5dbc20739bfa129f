"""Laws of the source tree and its documents."""
