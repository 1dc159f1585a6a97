"""Who calls, and what they may do: decided once, before any handler runs."""
