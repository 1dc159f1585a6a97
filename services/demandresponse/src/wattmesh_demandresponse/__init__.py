"""What grid operators and markets ask of sites, and what became of it."""
