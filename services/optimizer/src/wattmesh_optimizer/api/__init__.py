"""The gRPC door: converters and the servicer."""
