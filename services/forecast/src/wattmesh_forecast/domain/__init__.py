"""Forecasting in numpy: patterns of the past, features, quantiles, evaluation."""
