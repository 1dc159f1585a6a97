"""Use cases of the planner, and the ports they need."""
