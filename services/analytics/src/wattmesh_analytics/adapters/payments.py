"""What demand response paid, from its settlements."""

from collections.abc import Sequence

import grpc

from wattmesh.demandresponse.v1 import (
    demand_response_service_pb2 as pb,
)
from wattmesh.demandresponse.v1 import (
    demand_response_service_pb2_grpc,
)
from wattmesh_contracts.values import datetime_from_proto, money_from_proto, time_range_to_proto
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.money import Money
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors

_EVENTS = "programmes/-"
_PARTICIPATIONS = "programmes/-/events/-"


class GrpcPayments:
    """Asks for the events of a span, and for what a site's participations in them were paid."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = demand_response_service_pb2_grpc.DemandResponseServiceStub(channel)

    async def paid(self, site: SiteId, span: TimeRange) -> Sequence[Money]:
        """Return what each settled event that ended in a span paid a site; negative: it owed."""
        ended = await self._ended(span)
        found = list[Money]()
        request = pb.ListParticipationsRequest(parent=_PARTICIPATIONS, subject=site.name)
        while ended:
            with rpc_errors():
                answer = await self._stub.ListParticipations(request)
            for each in answer.participations:
                event = each.name.partition("/participations/")[0]
                if event in ended and each.settlement.HasField("payment"):
                    found.append(money_from_proto(each.settlement.payment, "payment"))
            request.page_token = answer.next_page_token
            if not request.page_token:
                break
        return found

    async def _ended(self, span: TimeRange) -> set[str]:
        found = set[str]()
        request = pb.ListEventsRequest(parent=_EVENTS, range=time_range_to_proto(span))
        while True:
            with rpc_errors():
                answer = await self._stub.ListEvents(request)
            for event in answer.events:
                if span.start < datetime_from_proto(event.range.end_time, "range") <= span.end:
                    found.add(event.name)
            request.page_token = answer.next_page_token
            if not request.page_token:
                return found
