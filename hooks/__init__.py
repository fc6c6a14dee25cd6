"""What happens around the rendering of the template."""
