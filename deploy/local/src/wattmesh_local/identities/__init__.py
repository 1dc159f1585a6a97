"""Certificates as identities: an authority of one's own, and what it issues."""
