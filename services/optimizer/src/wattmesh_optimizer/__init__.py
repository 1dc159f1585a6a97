"""Stateless optimisation of sites and groups of sites."""
