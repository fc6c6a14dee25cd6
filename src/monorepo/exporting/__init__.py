"""The package graph as the configuration of engines that run tasks: mise, moon and Nx."""
