"""How much of the last day was metered, and what of it is not believed."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import grpc
import numpy as np

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh_alerting.adapters.day_costs import HourlyCosts, HoursOfSite, money
from wattmesh_alerting.adapters.energies import Energies
from wattmesh_alerting.domain.condition import Condition
from wattmesh_alerting.domain.latch import Latch
from wattmesh_alerting.domain.rules import Rule
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.money import Money
from wattmesh_kernel.sites import Site
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_runtime.errors import rpc_errors
from wattmesh_sitemodel.view import SiteModelView

LEAST_COVERED, COVERED_AGAIN = 0.9, 0.93
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_DAY_HOURS = 24
_MOST_WORDS = 3
_FLAGS: Mapping[int, str] = {
    metering_pb2.READING_FLAG_KIND_EXCHANGE: "another meter, of which nobody said so",
    metering_pb2.READING_FLAG_KIND_JUMP: "a jump of the register",
    metering_pb2.READING_FLAG_KIND_RATE: "more than it is rated for",
    metering_pb2.READING_FLAG_KIND_STUCK: "the same value again and again",
    metering_pb2.READING_FLAG_KIND_SUM: "meters contradict each other",
    metering_pb2.READING_FLAG_KIND_SIGN: "import and export swapped",
    metering_pb2.READING_FLAG_KIND_CLOCK: "a clock that is off",
}
"""What makes readings doubtful. Gaps show in the coverage; a spike alone is no news."""


class DataQuality:
    """Judges the last day's readings of a site: one alert a site, with the worst first."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        energies: Energies,
        hours: HourlyCosts,
        view: SiteModelView,
        clock: Clock,
    ) -> None:
        self._stub = metering_pb2_grpc.MeteringServiceStub(channel)
        self._energies = energies
        self._hours = hours
        self._view = view
        self._clock = clock
        self._latch = Latch()

    async def __call__(self, site: Site) -> Sequence[Condition]:
        """Return whether readings are missing or doubtful. Error: Unavailable."""
        now = self._clock.now()
        covered = await self._covered(site)
        doubts = await self._doubts(site)
        worst = min(covered.values(), default=1.0)
        poor = self._latch.holds(
            site.id, 1 - worst, begins=1 - LEAST_COVERED, ends=1 - COVERED_AGAIN
        )
        if not poor and not doubts:
            return ()
        missing = {asset: ratio for asset, ratio in covered.items() if ratio < COVERED_AGAIN}
        return [
            Condition(
                rule=Rule.DATA_QUALITY,
                subject=site.name,
                since=now,
                site=site.id,
                description=_words(missing, doubts),
                value=worst,
                threshold=LEAST_COVERED,
                unit="1",
                at_stake=_unbilled(site, await self._hours(site)),
                links=(*(each.name for each in missing), *doubts),
            )
        ]

    async def _covered(self, site: Site) -> dict[AssetId, float]:
        """Return how much of the last day was metered, of assets that were the day before."""
        end = floor_time(self._clock.now(), _HOUR)
        if not self._view.model.assets_of(site.id):
            return {}
        found = await self._energies.of(
            [f"{site.name}/assets/-"], TimeRange(end - 2 * _DAY, end), _HOUR
        )
        return {
            asset: float(each.coverage[-_DAY_HOURS:].mean())
            for asset, each in found.items()
            if np.isfinite(each.import_wh.values[:-_DAY_HOURS]).any()
        }

    async def _doubts(self, site: Site) -> dict[str, str]:
        """Return the points whose readings of the last day are doubtful, and why."""
        now = self._clock.now()
        request = metering_pb2.ListReadingFlagsRequest(
            parent=f"{site.name}/devices/-/points/-",
            range=time_range_to_proto(TimeRange(now - _DAY, now)),
        )
        with rpc_errors():
            answer = await self._stub.ListReadingFlags(request)
        return {each.point: _FLAGS[each.kind] for each in answer.flags if each.kind in _FLAGS}


def _words(missing: Mapping[AssetId, float], doubts: Mapping[str, str]) -> str:
    by_cover = sorted(missing.items(), key=lambda each: each[1])
    words = [f"{asset.name} was metered {ratio:.0%} of the last day" for asset, ratio in by_cover]
    words += [f"{point}: {why}" for point, why in doubts.items()]
    more = len(words) - _MOST_WORDS
    return "; ".join(words[:_MOST_WORDS]) + (f"; and {more} more" if more > 0 else "")


def _unbilled(site: Site, hours: HoursOfSite | None) -> Money | None:
    """Return what the hours of the last day would cost that were not metered, by the mean hour."""
    if hours is None:
        return None
    costs = hours.costs.values
    known = np.isfinite(costs)
    missing = float((1 - hours.metered.coverage[-_DAY_HOURS:]).sum())
    if not known.any() or missing <= 0:
        return None
    return money(max(missing * float(costs[known].mean()), 0.0), site.currency_code)
