"""What a wind turbine will generate: its power curve, the wind at its hub, and what it has done."""
