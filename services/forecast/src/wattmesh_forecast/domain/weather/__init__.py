"""Weather at places: who tells it, what was told and when, and what was known of it at a time."""
