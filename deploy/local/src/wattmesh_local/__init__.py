"""The wattmesh command: the whole mesh on one machine."""
