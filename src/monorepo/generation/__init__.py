"""What packages generate: inputs, outputs and their record; running the commands."""
