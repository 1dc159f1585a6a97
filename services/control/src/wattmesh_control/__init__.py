"""Leased commands, limits and their life-cycle."""
