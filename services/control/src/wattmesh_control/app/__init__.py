"""Use cases of control, and the ports they need."""
