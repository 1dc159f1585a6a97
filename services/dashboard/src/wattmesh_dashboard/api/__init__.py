"""The door for browsers and for programs."""
