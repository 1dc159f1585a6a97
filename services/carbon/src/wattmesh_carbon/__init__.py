"""Average and marginal grid intensities, footprints, best windows."""
