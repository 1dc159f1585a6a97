"""Use cases of the dashboard."""
