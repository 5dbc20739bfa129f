"""Tests of threads, forks and interrupts."""
