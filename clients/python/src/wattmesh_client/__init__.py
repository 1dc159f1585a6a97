"""A client of Wattmesh, thin over its contracts."""

from wattmesh_client.aio import AsyncWattmesh
from wattmesh_client.connection import Certificates, Connection
from wattmesh_client.errors import (
    Aborted,
    AlreadyExists,
    DeadlineExceeded,
    FailedPrecondition,
    Fault,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
    Unimplemented,
    WattmeshError,
)
from wattmesh_client.mesh import Wattmesh
from wattmesh_client.values import duration, moment, samples, time_range, timestamp

__all__ = [
    "Aborted",
    "AlreadyExists",
    "AsyncWattmesh",
    "Certificates",
    "Connection",
    "DeadlineExceeded",
    "FailedPrecondition",
    "Fault",
    "InvalidArgument",
    "NotFound",
    "PermissionDenied",
    "ResourceExhausted",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
    "Wattmesh",
    "WattmeshError",
    "duration",
    "moment",
    "samples",
    "time_range",
    "timestamp",
]
