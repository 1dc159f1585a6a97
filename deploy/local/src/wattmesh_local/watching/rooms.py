"""What rooms and tanks came to: energy and time outside of comfort, beside two plain rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from wattmesh.metering.v1 import metering_pb2
from wattmesh_contracts.values import duration_to_proto, series_from_proto, time_range_to_proto
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange
from wattmesh_local.watching.accounts import INTERVAL
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.ledger import Floats, RoomLedger
from wattmesh_local.watching.sites import WatchedSite
from wattmesh_runtime.errors import rpc_errors

NO_CONTROL, RULE = "at_rest", "schedule"
"""In the ledger: a thermostat that nobody touches, and one that follows the schedule."""
_QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outside:
    """Time outside of comfort, so many kelvins beyond it [K h]; without control and by the rule."""

    achieved: float = 0.0
    no_control: float = 0.0
    rule: float = 0.0

    def __add__(self, other: "Outside") -> "Outside":
        return replace(
            self,
            achieved=self.achieved + other.achieved,
            no_control=self.no_control + other.no_control,
            rule=self.rule + other.rule,
        )


def hours_of(registers: Sequence[float], times_s: Sequence[float], span: TimeRange) -> Floats:
    """Return by how much a register grew in each hour of the span; 0 where it is not known."""
    bounds = [each.timestamp() for each in (*span.starts(INTERVAL), span.end)]
    if not times_s:
        return np.zeros(span.count(INTERVAL))
    return np.diff(np.interp(bounds, times_s, registers))


def by_rule_wh(
    ledgers: Mapping[str, RoomLedger], zones: Sequence[AssetId], rule: str, span: TimeRange
) -> Floats:
    """Return what a site's rooms would have drawn in each hour by a rule [Wh]."""
    total = np.zeros(span.count(INTERVAL))
    for zone in zones:
        if (ledger := ledgers.get(zone.name)) is not None:
            total += hours_of(ledger.rules_wh[rule], ledger.times_s, span)
    return total


async def outside_of(
    clients: MeshClients,
    site: WatchedSite,
    assets: Sequence[AssetId],
    span: TimeRange,
    ledgers: Mapping[str, RoomLedger],
) -> Outside:
    """Return the time outside of comfort of zones or tanks of a site, by thermometer and rules."""
    found = Outside()
    for zone in assets:
        ledger = ledgers.get(zone.name)
        points = site.points.get((zone, "temperature_celsius"), ())
        if ledger is None or not points:
            continue
        celsius = await _temperatures(clients, points[0].name, span)
        found += Outside(
            achieved=outside_kh(celsius, span.starts(_QUARTER), ledger),
            no_control=float(hours_of(ledger.rules_kh[NO_CONTROL], ledger.times_s, span).sum()),
            rule=float(hours_of(ledger.rules_kh[RULE], ledger.times_s, span).sum()),
        )
    return found


def outside_kh(celsius: Floats, starts: Sequence[datetime], ledger: RoomLedger) -> float:
    """Return the time outside of comfort by a temperature each quarter of an hour [K h].

    An hour at 25.5 degrees where 25 are wanted at most is 0.5.
    """
    total = 0.0
    for moment, value in zip(starts, celsius.tolist(), strict=True):
        low, high = ledger.band(moment)
        if np.isfinite(value):
            total += max(low - value, value - high, 0.0) * (_QUARTER / INTERVAL)
    return total


async def _temperatures(clients: MeshClients, point: str, span: TimeRange) -> Floats:
    request = metering_pb2.QuerySeriesRequest(
        point=point,
        range=time_range_to_proto(span),
        resolution=duration_to_proto(_QUARTER),
        aggregation=metering_pb2.AGGREGATION_MEAN,
    )
    with rpc_errors():
        answer = await clients.metering.QuerySeries(request)
    return np.asarray(series_from_proto(answer.series).values)
