"""Conditions, alerts and their life, silences: pure."""
