"""Manifests in EDN: reading and writing them, and what may stand in one."""
