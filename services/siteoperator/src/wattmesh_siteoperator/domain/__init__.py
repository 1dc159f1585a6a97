"""What came of a resource, and how its status says so."""
