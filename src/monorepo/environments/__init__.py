"""What is installed where: virtual environments and node_modules."""
