"""The engine of the rules: what they read, what they find, and what of that is allowed."""
