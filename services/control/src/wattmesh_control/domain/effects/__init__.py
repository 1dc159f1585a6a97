"""Whether what a command asked for has happened, as meters see it."""
