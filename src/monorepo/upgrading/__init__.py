"""Following the template: render what two versions give, and merge the difference."""
