"""The gRPC servicers and the converters between wire and domain."""
