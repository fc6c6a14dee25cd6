"""The dependency graph: of packages, and of their scopes (runtime, extras, groups) and pins."""
