"""Many sites under shared limits, planned apart by prices of what they exchange."""
