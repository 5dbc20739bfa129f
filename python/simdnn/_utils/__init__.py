"""Helpers that several rooms share: checks of arguments, arrays, JSON, files and progress bars."""
