"""The database, and the services that are asked."""
