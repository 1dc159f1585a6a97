"""Adapters: the services that are watched, PostgreSQL, Alertmanager."""
