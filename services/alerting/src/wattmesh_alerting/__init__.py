"""Alerting: what people should know of, from when it began to when it was over."""
