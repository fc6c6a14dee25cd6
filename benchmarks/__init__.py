"""What this template and its monorepos cost, beside what else one could use."""
