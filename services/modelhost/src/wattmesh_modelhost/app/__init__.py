"""What the host does: keep the catalogue of versions up to date, and answer from it."""
