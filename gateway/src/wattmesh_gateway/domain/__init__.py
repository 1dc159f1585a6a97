"""What the gateway is about: devices, profiles, readings, commands."""
