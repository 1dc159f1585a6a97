"""Data folders: their layout, the reading of their files, and the CityLearn data sets."""
