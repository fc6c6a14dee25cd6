"""Which packages a change affects, and why."""
