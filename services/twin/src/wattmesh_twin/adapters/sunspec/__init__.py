"""The PV inverter and the battery as SunSpec devices: registers from model definitions."""
