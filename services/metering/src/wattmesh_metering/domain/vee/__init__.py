"""Validation and estimation: what readings are worth, judged as often as needed."""
