"""Usage's way to its database."""
