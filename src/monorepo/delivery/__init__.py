"""What leaves the repository: distributions, and bundles that install without an index."""
