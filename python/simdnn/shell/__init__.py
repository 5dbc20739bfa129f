"""The commands of ``python -m simdnn`` that train on tables and handle models."""
