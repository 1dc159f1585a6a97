"""The receding-horizon loop."""
