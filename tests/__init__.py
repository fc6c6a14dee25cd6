"""The tests: of the tooling, and of the template."""
