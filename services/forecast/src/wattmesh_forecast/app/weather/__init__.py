"""Use cases of weather: its sources, what they publish, and what was known when."""
