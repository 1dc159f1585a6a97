"""Pure conversion between protos and kernel values, both ways, for all that services share."""
