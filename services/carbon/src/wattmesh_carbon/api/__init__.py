"""Carbon's gRPC face."""
