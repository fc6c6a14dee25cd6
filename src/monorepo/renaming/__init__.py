"""The names of packages: changing one wherever it is declared, imported or mentioned."""
