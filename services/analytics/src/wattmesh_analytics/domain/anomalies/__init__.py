"""What is wrong with what is metered: figures of days, and when they moved."""
