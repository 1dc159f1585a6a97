"""A database that somebody names for a run in place of the embedded one."""

import psycopg

from wattmesh_local.postgres import PostgresError

_CONNECT_SECONDS = 5


def check_given_database(url: str) -> None:
    """Check that a run can have the database: it answers, and holds no readings yet.

    The readings, plans and commands of an earlier run would count as those of the new one.
    Error: PostgresError saying what is wrong and what to do.
    """
    try:
        with psycopg.connect(url, connect_timeout=_CONNECT_SECONDS) as connection:
            used = _has_readings(connection)
    except psycopg.Error as error:
        raise PostgresError(f"WATTMESH_DATABASE_URL cannot be used: {error}") from error
    if used:
        raise PostgresError(
            "the database in WATTMESH_DATABASE_URL holds the readings of an earlier run; "
            "name an empty one (CREATE DATABASE …)"
        )


def _has_readings(connection: psycopg.Connection) -> bool:
    table = connection.execute("SELECT to_regclass('metering.readings')").fetchone()
    if table is None or table[0] is None:
        return False
    found = connection.execute("SELECT EXISTS (SELECT FROM metering.readings)").fetchone()
    return found is not None and bool(found[0])
