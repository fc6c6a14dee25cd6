"""The programs that do the work: uv, pnpm, and how to find processes that were started."""
