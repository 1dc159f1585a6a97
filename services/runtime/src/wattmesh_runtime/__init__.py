"""Server and channel bootstrap, interceptors, settings, telemetry, database, migrations."""
