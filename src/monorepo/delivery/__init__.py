"""What leaves the repository: distributions, their releases, bundles, bills of materials."""
