"""Usage's gRPC face."""
