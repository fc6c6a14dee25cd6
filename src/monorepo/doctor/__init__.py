"""What is wrong with a checkout and its machine, and what mends it."""
