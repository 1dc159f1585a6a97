"""Sites, devices, tariffs; ingest, query and watch readings."""
