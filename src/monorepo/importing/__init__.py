"""Bringing a folder of code in as a package: its place, its imports, what it needs, its history."""
