"""The terminal view at 80 by 24: it is read, scrolls, fits another size, says when it is old."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

from textual.widgets import TabbedContent

from tests.fakes.eventually import eventually
from tests.fakes.terminal_screen import lines_of
from wattmesh.alert.v1 import alert_pb2
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_kernel.errors import Unavailable
from wattmesh_local.terminal.view import MeshApp, Seen, Table
from wattmesh_local.watching.live_view import Picture
from wattmesh_local.watching.snapshot import SiteSnapshot, Snapshot

NOW = datetime(2016, 9, 6, 1, 30, tzinfo=UTC)
STREET = tuple(
    SiteSnapshot(
        name=f"Home {number}",
        load_w=1500.0 + number,
        generation_w=-500.0,
        battery_w=-1000.0,
        soc_ratio=0.42,
        net_w=10_000.0 + number,
        charging_w=7_400.0,
        heat_w=2_200.0,
        planned_battery_w=(-1000.0, 0.0, 2500.0),
    )
    for number in range(1, 41)
)
SNAPSHOT = Snapshot(
    time=NOW,
    sites=STREET,
    price_per_kwh=0.54,
    currency_code="USD",
    carbon_gco2e_per_kwh=151.2,
    health={"metering": "SERVING", "gateway": "UNREACHABLE"},
    planned_w={"sites/home-1/assets/battery": (-1000.0, 0.0, 2500.0)},
)
ALERT = alert_pb2.Alert(
    name="alerts/1",
    severity=alert_pb2.ALERT_SEVERITY_CRITICAL,
    summary="Battery of home 7 does not answer " + "and " * 40,
    fire_time=timestamp_to_proto(NOW),
)


class World:
    """What is to be seen, which a test changes."""

    def __init__(self) -> None:
        self.snapshot = SNAPSHOT
        self.broken = False

    async def look(self) -> Seen:
        if self.broken:
            raise Unavailable("SERVICE_UNAVAILABLE", "nobody is there")
        zone = ZoneInfo("America/Los_Angeles")
        picture = Picture(snapshot=self.snapshot, zone=zone, rate=1200.0, web="http://here")
        return Seen(picture=picture, alerts=[ALERT])


async def shown(app: MeshApp, holds: Callable[[list[str]], bool]) -> list[str]:
    """Wait until something is on the screen; return it."""

    async def there() -> bool:
        return holds(lines_of(app))

    await eventually(there, 30)
    return lines_of(app)


def has(text: str) -> Callable[[list[str]], bool]:
    return lambda lines: text in "\n".join(lines)


def fits(wanted: str, lines: list[str]) -> bool:
    """Whether it is there, and nothing is wider than the terminal."""
    return has(wanted)(lines) and max(map(len, lines)) <= 80


async def test_80_by_24_is_enough_and_a_street_is_scrolled_through() -> None:
    app = MeshApp(World().look, refresh_seconds=0.1)
    async with app.run_test(size=(80, 24)) as pilot:
        lines = await shown(app, has("Home 1"))
        assert len(lines) <= 24
        assert max(map(len, lines)) <= 80
        text = "\n".join(lines)
        assert "Mon 05 Sep 2016 18:30 PDT" in text
        assert "price 0.540 USD/kWh   carbon 151 g/kWh" in text
        assert "down: gateway" in text
        first = next(line for line in lines if "Home 1 " in line)
        for figure in ("1.50", "-0.50", "-1.00", "7.40", "2.20", "10.00", "42%"):
            assert figure in first
        assert not has("Home 39")(lines)
        await pilot.press("end")
        await shown(app, has("Home 40"))


async def test_what_changes_is_seen_where_one_has_scrolled_to() -> None:
    world = World()
    app = MeshApp(world.look, refresh_seconds=0.1)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(app, has("Home 1"))
        await pilot.press("end")
        await shown(app, has("Home 40"))
        moved = replace(STREET[-1], load_w=8_880.0)
        world.snapshot = replace(SNAPSHOT, sites=(*STREET[:-1], moved))
        await shown(app, lambda lines: has("8.88")(lines) and not has("Home 10 ")(lines))
        assert app.query_one("#sites-table", Table).cursor_row == 39


async def test_each_tab_fits_and_a_wider_terminal_has_room_for_the_hours() -> None:
    app = MeshApp(World().look, refresh_seconds=0.1)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(app, has("Home 1"))
        for key, wanted in (
            ("2", "home-1 battery"),
            ("3", "No vehicle is plugged in."),
            ("4", "Nothing can be said"),
            ("5", "Battery of home 7"),
            ("6", "unreachable"),
        ):
            await pilot.press(key)
            await shown(app, partial(fits, wanted))
        assert app.query_one(TabbedContent).active == "processes"
        await pilot.press("1")
        await pilot.resize_terminal(140, 30)
        hours = has("battery, next hours kW")
        whole = has("Home 17  1.52  -0.50    -1.00")  # no column is cut off
        await shown(app, lambda lines: hours(lines) and whole(lines) and has("2.5↑")(lines))
        await pilot.resize_terminal(60, 15)
        await shown(app, lambda lines: not hours(lines) and len(lines) <= 15)


async def test_a_mesh_that_does_not_answer_is_said_and_what_was_seen_stays() -> None:
    world = World()
    app = MeshApp(world.look, refresh_seconds=0.1)
    async with app.run_test(size=(80, 24)):
        await shown(app, has("Home 1"))
        world.broken = True
        lines = await shown(app, has("nobody is there"))
        assert has("Home 1")(lines)
        world.broken = False
        await shown(app, lambda lines: not has("nobody is there")(lines))
