"""Laws of the losses."""
