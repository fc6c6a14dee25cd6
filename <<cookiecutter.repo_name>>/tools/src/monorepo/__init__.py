"""The tooling of this monorepo: source that the team owns, reads and changes."""
