"""What flows at a site, and what is told of it."""
