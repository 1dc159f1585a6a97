"""Runs loops: hears meters, tells devices, and takes policies."""
