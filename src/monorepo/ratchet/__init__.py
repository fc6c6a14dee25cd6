"""Taking away the extras that are for a migration, one package after another."""
