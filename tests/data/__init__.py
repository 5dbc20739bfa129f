"""Sources of blocks, and their shuffling."""
