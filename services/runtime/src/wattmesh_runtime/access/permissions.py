"""The permission of every method: said by our contracts, and here for those of others."""

import importlib
import pkgutil
import re
from collections.abc import Mapping
from functools import cache

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor

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


_OURS = re.compile(r"(wattmesh\.[a-z]+\.v\d+)\.\w+")
"""The package of a service of ours."""


def _method(service: str, name: str) -> MethodDescriptor | None:
    """Return a method; generated servers do not import the file that a service is described in."""
    pool = descriptor_pool.Default()
    try:
        found = pool.FindServiceByName(service)
    except KeyError:
        ours = _OURS.fullmatch(service)
        if ours is None or not _import_contracts(ours.group(1)):
            return None
        try:
            found = pool.FindServiceByName(service)
        except KeyError:
            return None
    method: MethodDescriptor | None = found.methods_by_name.get(name)
    return method


@cache
def _import_contracts(package: str) -> bool:
    """Import every file of a package of contracts; False when there is no such package."""
    try:
        folder = importlib.import_module(package)
    except ModuleNotFoundError:
        return False
    for module in pkgutil.iter_modules(folder.__path__):
        if module.name.endswith("_pb2"):
            importlib.import_module(f"{package}.{module.name}")
    return True


@cache
def permission_of(method: str) -> str | None:
    """Return the permission of a method (`/package.Service/Method`); None: nobody may call it."""
    service, _, name = method[1:].rpartition("/")
    foreign = FOREIGN.get(method) or FOREIGN.get(f"/{service}/")
    if foreign is not None:
        return foreign
    found = _method(service, name)
    if found is None:
        return None
    number = found.GetOptions().Extensions[permission_pb2.permission]
    return permission_pb2.Permission.Name(number) if number else None
