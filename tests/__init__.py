"""The laws that simdnn keeps. `oracles` says what is right, `support.registry` what there is to test."""
