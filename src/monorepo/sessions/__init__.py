"""The nox sessions, a session for each task of each package, and the CI matrix."""
