"""What the optimizer does: one module per use case."""
