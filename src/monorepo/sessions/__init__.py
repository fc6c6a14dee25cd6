"""What nox and CI run: a session for each task of each package."""
