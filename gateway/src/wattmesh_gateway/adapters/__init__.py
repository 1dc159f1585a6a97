"""What the use cases need from outside: the spool on disk, metering, control."""
