"""From a bare clone to a running program, with real environments and without a network."""
