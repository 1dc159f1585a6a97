"""Use cases of carbon, and the ports they need."""
