"""How the temperature of a zone moves, learned from ordinary operation."""
