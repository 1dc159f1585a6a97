"""AlertService on the wire."""
