"""What the results of packages depend on: which files configure what, and which pins they need."""
