"""Tests of `simdnn.distributed`, on real processes."""
