"""What demand response paid, from its settlements."""

from collections.abc import Mapping, Sequence

import grpc

from wattmesh.demandresponse.v1 import (
    demand_response_service_pb2 as pb,
)
from wattmesh.demandresponse.v1 import (
    demand_response_service_pb2_grpc,
    event_pb2,
)
from wattmesh_analytics.domain.group_payments import share_of
from wattmesh_contracts.values import datetime_from_proto, money_from_proto, time_range_to_proto
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.money import Money
from wattmesh_kernel.sites import SiteGroup
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors

_EVENTS = "programmes/-"
_PARTICIPATIONS = "programmes/-/events/-"


class GrpcPayments:
    """Asks for the events of a span, and for what a site's participations in them were paid."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = demand_response_service_pb2_grpc.DemandResponseServiceStub(channel)

    async def paid(
        self, site: SiteId, span: TimeRange, group: SiteGroup | None = None
    ) -> Sequence[Money]:
        """Return what each settled event that ended in a span paid a site; negative: it owed.

        With the group that it is in, its share of what that was paid, too.
        """
        ended = await self._ended(span)
        if not ended:
            return ()
        found = [payment for payment, _ in await self._payments(site.name, ended)]
        if group is not None:
            shares = (
                share_of(payment, site, group.sites, held_w)
                for payment, held_w in await self._payments(group.id.name, ended)
            )
            found += [each for each in shares if each is not None]
        return found

    async def _payments(
        self, subject: str, ended: set[str]
    ) -> list[tuple[Money, Mapping[SiteId, float]]]:
        """Return what was paid for each event, with what each site held for it [W], if told."""
        found = list[tuple[Money, Mapping[SiteId, float]]]()
        request = pb.ListParticipationsRequest(parent=_PARTICIPATIONS, subject=subject)
        while True:
            with rpc_errors():
                answer = await self._stub.ListParticipations(request)
            for each in answer.participations:
                event = each.name.partition("/participations/")[0]
                if event in ended and each.settlement.HasField("payment"):
                    payment = money_from_proto(each.settlement.payment, "payment")
                    found.append((payment, _held_w(each.commitment)))
            request.page_token = answer.next_page_token
            if not request.page_token:
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


def _held_w(commitment: event_pb2.EventCommitment) -> Mapping[SiteId, float]:
    return {
        SiteId.parse(each.site): sum((*each.up_powers_w, *each.down_powers_w))
        for each in commitment.sites
    }
