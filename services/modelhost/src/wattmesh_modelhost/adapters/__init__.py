"""The folder the versions lie in, and TensorFlow, which runs them."""
