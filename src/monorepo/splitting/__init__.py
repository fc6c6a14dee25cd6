"""Splitting a package: a module of it becomes a shared one of its own, and importers follow."""
