"""Who provides and who needs what: distributions, their modules, extras and entry points."""
