"""The services behind it."""
