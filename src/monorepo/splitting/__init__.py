"""Splitting a package: a module of it becomes a package of its own, and its importers follow."""
