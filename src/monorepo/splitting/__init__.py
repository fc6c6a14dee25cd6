"""Splitting a package: a module of it becomes a shared package of its own, and its importers follow."""
