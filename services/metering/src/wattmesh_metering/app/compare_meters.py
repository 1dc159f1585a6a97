"""Compares the meters of assets with each other, when a long look back is asked for."""

from collections.abc import Sequence
from datetime import timedelta

from wattmesh_kernel.time import TimeRange
from wattmesh_metering.app.follow_site_model import FollowSiteModel
from wattmesh_metering.app.ports import ReadingStore
from wattmesh_metering.domain.readings import to_microseconds
from wattmesh_metering.domain.vee.comparing import compare
from wattmesh_metering.domain.vee.flags import Flag


class CompareMeters:
    """Finds what meters show of each other, in readings that are believed by themselves."""

    def __init__(
        self, follower: FollowSiteModel, store: ReadingStore, longest_gap: timedelta
    ) -> None:
        self._follower = follower
        self._store = store
        self._longest_gap = longest_gap

    async def run(self, keys: Sequence[int], span: TimeRange) -> dict[int, list[Flag]]:
        """Return what is found of these registers in the whole days of a span, by key."""
        wanted = frozenset(keys)
        found: dict[int, list[Flag]] = {}
        span_us = to_microseconds(span.start), to_microseconds(span.end)
        gap_us = self._longest_gap // timedelta(microseconds=1)
        for meters in self._follower.model.compared(wanted):
            histories = await self._store.histories(
                sorted(meters.keys), span.start - self._longest_gap, span.end + self._longest_gap
            )
            for key, flag in compare(meters, histories, span_us, gap_us):
                if key in wanted:
                    found.setdefault(key, []).append(flag)
        return found
