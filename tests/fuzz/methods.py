"""The methods of services, from their descriptors."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    """Return every method of services by their full names, whose code has to be imported."""
    pool = descriptor_pool.Default()
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
