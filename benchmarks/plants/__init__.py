"""Violations of every rule, made from a grammar of spellings, and what the rules find of them."""
