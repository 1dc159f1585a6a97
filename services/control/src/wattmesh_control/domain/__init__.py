"""Proposals, limits, commands and the rules between them; pure."""
