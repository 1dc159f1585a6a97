"""Use cases of demand response, and the ports they need."""
