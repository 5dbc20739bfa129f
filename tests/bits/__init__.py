"""The same bits everywhere: levels, threads, machines, and the compiled module."""
