"""How many of its usual occupants a place will have: what sensors or the load say, and habits."""
