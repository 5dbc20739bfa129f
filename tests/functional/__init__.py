"""Tests of activations, of functions along rows, and of the arrays that they accept."""
