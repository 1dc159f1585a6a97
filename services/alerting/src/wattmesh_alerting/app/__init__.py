"""Use cases: watch the mesh, raise alerts, tell people."""
