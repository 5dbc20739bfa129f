"""What tests share: the registry of what there is to test, networks, processes."""
