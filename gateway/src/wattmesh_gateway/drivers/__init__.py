"""Drivers: one folder per protocol, generic; what differs between devices stands in profiles."""
