"""What a charger shows, as a session: when it begins and ends, what was charged, what is late."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wattmesh_gateway.app.follow_stays import FollowStays
from wattmesh_gateway.app.report_sessions import KeepSessions
from wattmesh_gateway.domain.session import ChargingSession, SessionState
from wattmesh_gateway.domain.stay import NOBODY, Plug, Seen, Stay, followed
from wattmesh_gateway.profiles.words import together
from wattmesh_kernel.ids import DeviceId

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BOX = DeviceId.parse("sites/home-1/devices/box")
WAITING, CHARGING = SessionState.WAITING, SessionState.CHARGING


def seen(minute: float, state: SessionState | None = None, wh: float | None = None) -> Seen:
    return Seen(time=NOON + minute * MINUTE, state=state, import_wh=wh)


def after(*looks: Seen) -> tuple[Plug, Stay | None]:
    plug, told = Plug(), None
    for look in looks:
        plug, told = followed(plug, look)
    return plug, told


def test_what_a_vehicle_drew_before_it_was_seen_counts_as_its_own() -> None:
    _, stay = after(seen(0, NOBODY, 5000.0), seen(15, CHARGING, 6200.0), seen(30, None, 7000.0))
    assert stay is not None
    assert (stay.arrival_time, stay.charged_energy_wh) == (NOON + 15 * MINUTE, 2000.0)


def test_what_was_drawn_while_nobody_looked_is_nobodys() -> None:
    _, stay = after(seen(0, NOBODY, 5000.0), seen(600, CHARGING, 45_000.0))
    assert stay is not None
    assert stay.charged_energy_wh == 0.0


def test_a_vehicle_that_leaves_ends_its_stay_with_its_energy() -> None:
    plug, stay = after(seen(0, WAITING, 100.0), seen(30, CHARGING, 900.0), seen(45, NOBODY, 1000.0))
    assert stay is not None
    assert (stay.state, stay.departure_time) == (SessionState.ENDED, NOON + 45 * MINUTE)
    assert stay.charged_energy_wh == 900.0
    assert plug.stay is None


def test_what_a_vehicle_gave_counts_apart_from_what_it_drew() -> None:
    def both(minute: float, state: SessionState | None, in_wh: float, out_wh: float) -> Seen:
        return replace(seen(minute, state, in_wh), export_wh=out_wh)

    _, stay = after(
        both(0, NOBODY, 5000.0, 800.0),
        both(15, CHARGING, 6200.0, 800.0),
        both(30, SessionState.DISCHARGING, 6200.0, 1400.0),
        both(45, NOBODY, 6200.0, 1500.0),
    )
    assert stay is not None
    session = stay.session(BOX)
    assert (session.charged_energy_wh, session.discharged_energy_wh) == (1200.0, 700.0)


def test_a_charger_that_meters_nothing_out_says_nothing_of_it() -> None:
    _, stay = after(seen(0, WAITING, 100.0), seen(30, CHARGING, 900.0))
    assert stay is not None
    assert stay.session(BOX).discharged_energy_wh is None


def test_what_is_late_or_says_nothing_changes_nothing() -> None:
    before, _ = after(seen(0, WAITING, 100.0), seen(30, CHARGING, 900.0))
    assert followed(before, seen(10, NOBODY, 100.0)) == (before, None)
    assert after(seen(0, None, 100.0))[1] is None


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ([WAITING, CHARGING], CHARGING),
        ([NOBODY, CHARGING], NOBODY),
        ([CHARGING, WAITING], CHARGING),
        ([None, WAITING], WAITING),
        ([None], None),
    ],
)
def test_a_charger_without_a_cable_is_free_whatever_else_it_says(
    said: list[SessionState | None], means: SessionState | None
) -> None:
    assert together(said) is means


class Disk:
    """Keeps plugs and sessions in memory, and counts the writes."""

    def __init__(self) -> None:
        self.known: dict[DeviceId, Plug] = {}
        self.sessions: list[ChargingSession] = []
        self.writes = 0

    async def plugs(self) -> dict[DeviceId, Plug]:
        return self.known

    async def keep(self, sessions: list[ChargingSession]) -> None:
        self.sessions += sessions

    async def keep_with(
        self, device: DeviceId, plug: Plug, sessions: list[ChargingSession]
    ) -> None:
        self.known[device] = plug
        self.sessions += sessions
        self.writes += 1


async def test_a_charger_that_speaks_every_second_costs_the_disk_a_write_a_minute() -> None:
    disk = Disk()
    follow = FollowStays(disk, KeepSessions(disk))  # type: ignore[arg-type]
    for second in range(300):
        await follow.hear(BOX, seen(second / 60, CHARGING, 100.0 + second))
    assert 5 <= disk.writes <= 6
    await follow.hear(BOX, seen(5.1, NOBODY, 500.0))
    assert disk.sessions[-1].state is SessionState.ENDED
    again = FollowStays(disk, KeepSessions(disk))  # type: ignore[arg-type]
    await again.hear(BOX, seen(6, NOBODY, 500.0))
    assert sum(each.state is SessionState.ENDED for each in disk.sessions) == 1
