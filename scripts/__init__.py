"""What maintainers run, through the Makefile."""
