"""What leaves the repository: distributions, bundles that need no index, bills of materials."""
