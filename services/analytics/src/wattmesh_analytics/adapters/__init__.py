"""What analytics asks of other services."""
