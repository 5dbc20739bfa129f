"""Helpers that several packages share: argument checks, arrays, JSON, files and progress bars."""
