"""Tests of equal bits on all ISA levels, threads and machines, and of the compiled module."""
