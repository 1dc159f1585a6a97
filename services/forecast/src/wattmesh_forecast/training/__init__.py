"""Training: the only part that imports TensorFlow; runs as a job of its own."""
