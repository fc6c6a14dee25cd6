"""Bakes the template, then runs what came out."""
