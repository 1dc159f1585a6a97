"""Probabilistic load and PV forecasts, asked through TensorFlow Serving."""
