"""Bills, savings against a counterfactual, and indicators, out of what was metered."""
