"""A thin service: it has nothing but its bootstrap, `main`."""
