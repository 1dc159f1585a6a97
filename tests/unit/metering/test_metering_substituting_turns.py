"""Which flags substitutes are made for, and what one that fails costs the others."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from tests.fakes.manual_clock import ManualClock
from tests.fakes.metering_model import MemoryModelHistory
from tests.fakes.metering_store import MemoryMetering
from tests.fakes.metering_world import NOON
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.sites import Site
from wattmesh_kernel.time import TimeRange
from wattmesh_metering.app.follow_site_model import FollowSiteModel
from wattmesh_metering.app.substitute import MakeSubstitutes, OpenFlag
from wattmesh_metering.domain.readings import to_microseconds
from wattmesh_metering.domain.substitutes import Substitute
from wattmesh_metering.domain.vee.flags import Flag, FlagKind

HOUR_US = 3_600_000_000
BEGIN_US = to_microseconds(NOON)
POINTS = [f"sites/{site}/devices/meter/points/import_energy_wh" for site in ("gone", "home-1")]


class MemorySubstitutes:
    """SubstituteStore over a list, and the turn that takes all of it."""

    def __init__(self, flags: Sequence[OpenFlag]) -> None:
        self.flags = flags
        self.kept: list[tuple[int, Substitute]] = []

    @asynccontextmanager
    async def turn(self) -> AsyncIterator["MemorySubstitutes"]:
        yield self
        self.flags = ()

    @asynccontextmanager
    async def again(
        self, keys: Collection[int], first: datetime, last: datetime
    ) -> AsyncIterator["MemorySubstitutes"]:
        yield self

    async def keep(self, flag_key: int, made: Substitute, now: datetime) -> bool:
        self.kept.append((flag_key, made))
        return True


def _open(number: int, point_key: int, kind: FlagKind, *, stands: bool = True) -> OpenFlag:
    flag = Flag(kind=kind, first_us=BEGIN_US, last_us=BEGIN_US + 2 * HOUR_US, message="")
    return OpenFlag(flag_key=number, point_key=point_key, flag=flag, stands=stands)


async def test_a_flag_that_fails_costs_no_other_and_those_that_need_nothing_get_nothing() -> None:
    """The site of the first point is not known any more."""
    readings = MemoryMetering(POINTS)
    for key in (1, 2):
        for hours, shown in ((0, 100.0), (2, 180.0)):
            readings.kept[key, BEGIN_US + hours * HOUR_US] = (shown, 1, False)
    site = Site(id=SiteId("home-1"), time_zone="UTC", currency_code="EUR")
    store = MemorySubstitutes(
        [
            _open(1, 1, FlagKind.GAP),
            _open(2, 2, FlagKind.GAP),
            _open(3, 2, FlagKind.RATE),
            _open(4, 2, FlagKind.GAP, stands=False),
        ]
    )
    history = MemoryModelHistory(site, point_keys={name: key for key, name in enumerate(POINTS, 1)})
    follower = FollowSiteModel(history)
    await follower.catch_up()
    make = MakeSubstitutes(store, readings, follower, ManualClock(NOON), timedelta(hours=3))
    assert await make.turn()
    assert not await make.turn()
    ((flag_key, made),) = store.kept
    assert flag_key == 2
    assert made.values.tolist() == [n / 8 for n in range(1, 8)]

    store.flags = [_open(5, 2, FlagKind.GAP)]
    span = TimeRange(NOON, NOON + timedelta(hours=2))
    assert await make.again([2], span) == 1
