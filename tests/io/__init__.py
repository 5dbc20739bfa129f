"""Files and exchange: saved models, PyTorch's weights, ONNX, tables."""
