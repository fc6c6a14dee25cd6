"""Sub-templates: what they ask, what they render, and samples of what they make."""
