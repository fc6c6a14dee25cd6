"""An app: its commands are in `cli`, and no other package imports it."""
