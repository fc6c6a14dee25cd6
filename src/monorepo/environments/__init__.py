"""Create and fill virtual environments and node_modules."""
