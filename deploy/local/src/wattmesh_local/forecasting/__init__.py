"""`wattmesh forecast`: what is expected, how good it was, and training anew."""
