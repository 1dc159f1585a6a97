"""A local host of SavedModel folders over TensorFlow Serving's gRPC API."""
