"""Sub-templates: questions, rendering, filters and sample packages."""
