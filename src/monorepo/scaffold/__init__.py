"""Create repositories; add and remove packages; eject the engine."""
