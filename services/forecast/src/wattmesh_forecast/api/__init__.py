"""wattmesh.forecast.v1."""
