"""Locks: what is pinned, whether that is up to date, and how it changes."""
