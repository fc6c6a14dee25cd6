"""Bringing an old repository in: what its requirements files say, and where that belongs."""
