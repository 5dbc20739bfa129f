"""Bad input to every public function."""
