"""Carbon's way to its database."""
