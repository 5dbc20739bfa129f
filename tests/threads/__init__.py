"""Threads, forks and interrupts."""
