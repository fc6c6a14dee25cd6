"""The model of a repository: packages, names, manifests, the dependency graph, pins."""
