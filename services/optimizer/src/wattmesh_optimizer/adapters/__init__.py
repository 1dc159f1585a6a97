"""The solver behind the port."""
