"""Create and fill virtual environments and node_modules; install the git hook."""
