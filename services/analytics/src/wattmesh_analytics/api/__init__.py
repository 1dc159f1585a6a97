"""The RPCs of analytics."""
