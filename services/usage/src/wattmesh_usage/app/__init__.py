"""Use cases of usage, and the ports they need."""
