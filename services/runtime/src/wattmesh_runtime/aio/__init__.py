"""Async tools for every room of a service, use cases too: standard library and kernel only."""
