"""The problem as a matrix: one builder per kind of asset says columns, rows and objective.

Everything is numpy arrays of one entry per interval; no object per variable. Powers are in kW,
energies in kWh.
"""
