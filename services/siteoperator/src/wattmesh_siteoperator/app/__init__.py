"""Use cases of the operator of sites."""
