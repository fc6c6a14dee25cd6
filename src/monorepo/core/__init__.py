"""What a repository is: its packages, their names and manifests, the graph, and the pins."""
