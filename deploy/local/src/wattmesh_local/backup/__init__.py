"""Backups of a PostgreSQL server, and the way back to any moment since the oldest of them.

A folder of backups has whole copies of the server's data (`base/`, named after the moment at which
each was complete) and the write-ahead log since (`wal/`). A copy alone leads back to its own
moment, the log to every later one. PostgreSQL's own programs do the work (pg_basebackup,
pg_receivewal, pg_verifybackup), here as in a cluster, so that neither is tied to the other.
"""
