"""The laws that simdnn keeps. `oracles` says what is right, `registry` what there is to test."""
