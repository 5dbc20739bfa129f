"""Laws of optimizers and schedules."""
