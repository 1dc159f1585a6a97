"""Facts by topic: one module each, with the one port that it asks."""
