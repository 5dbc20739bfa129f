"""Programs that measure and write: accuracy, golden hashes, special values, type stubs."""
