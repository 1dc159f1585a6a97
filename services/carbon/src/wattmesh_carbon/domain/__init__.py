"""Intensities, footprints and windows: no I/O."""
