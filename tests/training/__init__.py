"""Laws of training loops and of pre-training."""
