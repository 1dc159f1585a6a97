"""Parts of what watchers are told, as the bytes of a message.

Parts that are laid end to end are one message: protobuf merges them, lists one after the other.
"""

from collections.abc import Mapping

from wattmesh.dashboard.v1 import dashboard_service_pb2 as pb
from wattmesh_contracts.values import duration_to_proto, timestamp_to_proto
from wattmesh_dashboard.domain.flow import FlowKind, KindFlow, SiteFlow
from wattmesh_dashboard.domain.news import FeedState
from wattmesh_dashboard.domain.together import AllSites
from wattmesh_kernel.clock import Clock

_KINDS: Mapping[FlowKind, "pb.FlowKind.ValueType"] = {
    FlowKind.GRID: pb.FLOW_KIND_GRID,
    FlowKind.PV: pb.FLOW_KIND_PV,
    FlowKind.WIND: pb.FLOW_KIND_WIND,
    FlowKind.GENERATOR: pb.FLOW_KIND_GENERATOR,
    FlowKind.BATTERY: pb.FLOW_KIND_BATTERY,
    FlowKind.EV: pb.FLOW_KIND_EV,
    FlowKind.HEAT: pb.FLOW_KIND_HEAT,
    FlowKind.LOAD: pb.FLOW_KIND_LOAD,
}


class LiveEncoder:
    """Makes the parts."""

    def feed(self, state: FeedState) -> bytes:
        """Return how a feed is."""
        feed = pb.Feed(
            feed=state.feed,
            connected=state.connected,
            since_time=timestamp_to_proto(state.since),
            message=state.message,
        )
        return pb.WatchLiveResponse(feeds=[feed]).SerializeToString()

    def flow(self, flow: SiteFlow) -> bytes:
        """Return what flows at a site."""
        site = pb.SiteFlow(site=flow.site.name, flows=[flow_to_proto(each) for each in flow.flows])
        return pb.WatchLiveResponse(sites=[site]).SerializeToString()

    def all_sites(self, sums: AllSites) -> bytes:
        """Return what flows at all sites together."""
        told = pb.AllSites(
            time=timestamp_to_proto(sums.at),
            site_count=sums.sites,
            reporting_count=sums.reporting,
            flows=[
                pb.AllFlow(
                    kind=_KINDS[each.kind],
                    power_w=each.power_w,
                    site_count=each.sites,
                    known_count=each.known,
                )
                for each in sums.flows
            ],
        )
        return pb.WatchLiveResponse(all_sites=told).SerializeToString()

    def revision(self, revision: int) -> bytes:
        """Return the revision of the site model."""
        return pb.WatchLiveResponse(site_model_revision=revision).SerializeToString()


def stamp(clock: Clock) -> bytes:
    """Return what every message has: the mesh's time and how fast it goes."""
    head = pb.WatchLiveResponse(
        send_time=timestamp_to_proto(clock.now()), clock_rate_ratio=clock.rate
    )
    return head.SerializeToString()


def flow_to_proto(flow: KindFlow) -> pb.KindFlow:
    """Return what flows of one kind."""
    proto = pb.KindFlow(
        kind=_KINDS[flow.kind],
        power_w=flow.power_w,
        soc_ratio=flow.soc_ratio,
        asset_count=flow.assets,
        silent_count=flow.silent,
        derived=flow.derived,
    )
    if flow.measured is not None:
        proto.measure_time.CopyFrom(timestamp_to_proto(flow.measured))
    if flow.soc_measured is not None:
        proto.soc_measure_time.CopyFrom(timestamp_to_proto(flow.soc_measured))
    if flow.reporting_interval is not None:
        proto.reporting_interval.CopyFrom(duration_to_proto(flow.reporting_interval))
    return proto
