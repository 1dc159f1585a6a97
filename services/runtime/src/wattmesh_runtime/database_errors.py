"""What PostgreSQL says went wrong, told apart: away, busy, too slow, in the way, out of bounds."""

from datetime import timedelta

import psycopg
from psycopg import errors

from wattmesh_kernel.errors import (
    Aborted,
    DeadlineExceeded,
    InvalidArgument,
    ResourceExhausted,
    Unavailable,
    WattmeshError,
)

RETRY_AFTER = timedelta(seconds=1)

_VALUE_FAULTS = frozenset(
    (
        None,  # found out before it was sent: a NUL character, say
        errors.NumericValueOutOfRange.sqlstate,
        errors.DatetimeFieldOverflow.sqlstate,
        errors.IntervalFieldOverflow.sqlstate,
        errors.InvalidDatetimeFormat.sqlstate,
        errors.InvalidTextRepresentation.sqlstate,
        errors.CharacterNotInRepertoire.sqlstate,
        errors.UntranslatableCharacter.sqlstate,
        errors.StringDataRightTruncation.sqlstate,
    )
)
"""States that say that a value fits no column, whatever the statement."""


def error_from_database(error: psycopg.Error) -> WattmeshError | None:
    """Return what is told of an error of the database; None for what is a fault of ours."""
    match error:
        case errors.QueryCanceled():
            return DeadlineExceeded(
                "STATEMENT_TOO_LONG", "the database took too long: ask for less"
            )
        case errors.LockNotAvailable() | errors.DeadlockDetected() | errors.SerializationFailure():
            return Aborted("DATABASE_CONFLICT", "another change was in the way: repeat")
        case _ if (error.sqlstate or "").startswith(("53", "54")):
            return busy("the database has no room for this")
        case psycopg.OperationalError():
            return away()
        case psycopg.DataError() if error.sqlstate in _VALUE_FAULTS:
            return InvalidArgument("INVALID_VALUE", "a value is out of the bounds of what is kept")
        case _:
            return None


def away(message: str = "the database is away") -> Unavailable:
    """Return the error of a database that cannot be reached."""
    return Unavailable("DATABASE_UNAVAILABLE", message, retry_after=RETRY_AFTER)


def busy(message: str = "all connections to the database are in use") -> ResourceExhausted:
    """Return the error of a database, or of a pool, that is there and has no room."""
    return ResourceExhausted("DATABASE_BUSY", message, retry_after=RETRY_AFTER)
