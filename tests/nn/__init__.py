"""Laws of layers and networks: values, gradients, shapes, initial weights."""
