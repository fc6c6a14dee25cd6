"""The tasks that Make runs: parallel targets, services, smoke tests, type checks, style."""
