"""Helpers shared by tests: the registry of operations to test, networks, processes."""
