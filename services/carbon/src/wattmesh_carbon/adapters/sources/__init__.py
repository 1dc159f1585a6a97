"""Where intensities come from, outside: one file each, all of them `Source`s."""
