"""The gateway's use cases, one module each."""
