"""Vehicles, charging sessions and needs, and what is expected of them: no I/O."""
