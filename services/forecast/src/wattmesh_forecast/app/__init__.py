"""What the forecast service does, one module per use case."""
