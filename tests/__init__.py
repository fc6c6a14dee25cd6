"""The tests of the template: bake it, then run what was baked."""
