"""Sites, readings and energy: standard library, numpy and kernel only."""
