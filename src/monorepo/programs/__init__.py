"""Run uv and pnpm, and find the processes of `make dev`."""
