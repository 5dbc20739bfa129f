"""Laws of bad input to every public function."""
