"""What metered energy came to: no I/O."""
