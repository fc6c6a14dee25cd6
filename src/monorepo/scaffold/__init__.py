"""Packages come and go."""
