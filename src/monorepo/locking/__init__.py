"""Lockfiles: resolve, check and update them."""
