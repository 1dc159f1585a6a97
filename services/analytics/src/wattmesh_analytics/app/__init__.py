"""Use cases of analytics, and the ports they need."""
