"""Control's ways to the database and to metering."""
