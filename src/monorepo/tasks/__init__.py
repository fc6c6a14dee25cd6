"""What Make calls in packages: targets side by side, services, smoke tests, types, style."""
