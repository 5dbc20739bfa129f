"""Programs that write files: measured accuracy, golden hashes, special values."""
