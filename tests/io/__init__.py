"""Tests of files and formats: saved models, PyTorch's weights, ONNX, tables."""
