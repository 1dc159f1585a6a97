"""The methods of services, from their descriptors."""

import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

from google.protobuf import descriptor_pool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass


@dataclass(frozen=True, kw_only=True, slots=True)
class Method:
    """One method, with the messages that it takes and gives."""

    path: str
    """As it is called: `/wattmesh.planner.v1.PlannerService/GetPlan`."""
    request: type[Message]
    response: type[Message]
    takes_many: bool
    gives_many: bool


def methods_of(services: Sequence[str]) -> list[Method]:
    """Return every method of services by their full names."""
    pool = descriptor_pool.Default()
    for service in services:
        _import_contract(service.rpartition(".")[0])
    return [
        Method(
            path=f"/{service}/{method.name}",
            request=GetMessageClass(method.input_type),
            response=GetMessageClass(method.output_type),
            takes_many=method.client_streaming,
            gives_many=method.server_streaming,
        )
        for service in services
        for method in pool.FindServiceByName(service).methods
    ]


def _import_contract(package: str) -> None:
    """Import the generated code of a package of ours, so that the pool knows its services."""
    if package.startswith("wattmesh."):
        for module in pkgutil.iter_modules(import_module(package).__path__, f"{package}."):
            if module.name.endswith("_pb2"):
                import_module(module.name)
