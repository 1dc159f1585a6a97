"""The permission of every method: said by our contracts, and here for those of others."""

from collections.abc import Mapping
from functools import cache

from google.protobuf import descriptor_pool

from wattmesh.type.v1 import permission_pb2

OPEN = "OPEN"
"""In place of a permission: whoever has reached the port may ask."""

FOREIGN: Mapping[str, str] = {
    "/grpc.health.v1.Health/Check": OPEN,
    "/grpc.health.v1.Health/Watch": OPEN,
    "/grpc.health.v1.Health/List": OPEN,
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": "PERMISSION_SELF_READ",
    "/grpc.channelz.v1.Channelz/": "PERMISSION_STATUS_READ",
    "/google.longrunning.Operations/GetOperation": "PERMISSION_FORECAST_READ",
    "/google.longrunning.Operations/ListOperations": "PERMISSION_FORECAST_READ",
    "/google.longrunning.Operations/WaitOperation": "PERMISSION_FORECAST_READ",
    "/google.longrunning.Operations/CancelOperation": "PERMISSION_MODEL_WRITE",
    "/google.longrunning.Operations/DeleteOperation": "PERMISSION_MODEL_WRITE",
    "/tensorflow.serving.PredictionService/": "PERMISSION_FORECAST_ISSUE",
    "/tensorflow.serving.ModelService/GetModelStatus": "PERMISSION_FORECAST_READ",
}
"""Permissions of methods that others have defined; of a whole service where it ends with /."""


@cache
def permission_of(method: str) -> str | None:
    """Return the permission of a method (`/package.Service/Method`); None: nobody may call it."""
    service, _, name = method[1:].rpartition("/")
    foreign = FOREIGN.get(method) or FOREIGN.get(f"/{service}/")
    if foreign is not None:
        return foreign
    try:
        found = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]
    except KeyError:
        return None
    number = found.GetOptions().Extensions[permission_pb2.permission]
    return permission_pb2.Permission.Name(number) if number else None
