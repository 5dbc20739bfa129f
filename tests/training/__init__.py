"""Laws of training loops and pre-training."""
