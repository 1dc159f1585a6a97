import io
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from rich.console import Console

from wattmesh.demandresponse.v1 import event_pb2
from wattmesh_local.running.process import ProcessEvent
from wattmesh_local.watching.accounts import Account, Accounts
from wattmesh_local.watching.cells import ASCII, UTF8, Glyphs
from wattmesh_local.watching.live_view import Picture, render, summary_line
from wattmesh_local.watching.notices import in_words
from wattmesh_local.watching.snapshot import SiteSnapshot, Snapshot
from wattmesh_local.watching.vehicles import Vehicle

ZONE = ZoneInfo("America/Los_Angeles")


def account(cost: str, carbon_kg: float, peak_kw: float) -> Account:
    return Account(
        cost=Decimal(cost), by_tariff=Decimal(cost), carbon_kg=carbon_kg, peak_kw=peak_kw
    )


SNAPSHOT = Snapshot(
    time=datetime(2016, 9, 6, 1, 30, tzinfo=UTC),
    sites=(
        SiteSnapshot(
            name="Home 1",
            load_w=1_500.0,
            generation_w=-500.0,
            battery_w=-1_000.0,
            soc_ratio=0.42,
            net_w=0.0,
            planned_battery_w=(-1_000.0, 0.0, 2_500.0),
        ),
        SiteSnapshot(
            name="Home 2",
            load_w=None,
            generation_w=None,
            battery_w=None,
            soc_ratio=None,
            net_w=None,
            planned_battery_w=(),
        ),
    ),
    price_per_kwh=0.54,
    currency_code="USD",
    carbon_gco2e_per_kwh=151.2,
    accounts=Accounts(
        currency_code="USD",
        achieved=account("8.00", 4.0, 3.0),
        no_control=account("10.00", 5.0, 4.0),
        missing_intervals=0,
    ),
    plan="plans/neighbourhood-20160906t0200z made",
    health={"metering": "SERVING", "gateway": "UNREACHABLE"},
)


def text_of(snapshot: Snapshot) -> str:
    return "\n".join(screen_of(snapshot, 120, 40))


def screen_of(
    snapshot: Snapshot, width: int, height: int, glyphs: Glyphs = UTF8, doing: str = ""
) -> list[str]:
    """The lines that a terminal of this size shows."""
    console = Console(width=width, height=height, record=True, file=io.StringIO())
    events = [ProcessEvent(name="gateway", text="was killed by SIGKILL, restarting")]
    picture = Picture(snapshot=snapshot, zone=ZONE, rate=1200.0, events=events, doing=doing)
    console.print(render(picture, (width, height), glyphs))
    return console.export_text().splitlines()


def test_80_by_24_is_enough_for_a_street() -> None:
    """Nothing is cut off: each figure of the sites that are shown, the savings and the trouble."""
    street = replace(SNAPSHOT, sites=(SNAPSHOT.sites[0],) * 40)
    lines = screen_of(street, 80, 24, doing="training forecast models (load 40%)")

    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for part in ("1.50", "-0.50", "42%", "1.0↓", "+20.0%", "more", "training forecast models"):
        assert part in text
    assert "gateway was killed" in text


VEHICLE = Vehicle(
    charge_point="Office ev-1",
    asset="sites/office/assets/ev-1",
    soc_ratio=0.4,
    charged_wh=3_400.0,
    required_wh=12_900.0,
    leave_time=datetime(2016, 9, 6, 2, 30, tzinfo=UTC),
    declared=True,
    takes=True,
)


def street(vehicles: int) -> Snapshot:
    points = [f"sites/office/assets/ev-{number}" for number in range(vehicles)]
    return replace(
        SNAPSHOT,
        sites=(
            *(replace(SNAPSHOT.sites[0], name=f"Home {number}") for number in range(5)),
            replace(SNAPSHOT.sites[0], name="Office", charging_w=15_000.0, heat_w=2_340.0),
        ),
        vehicles=tuple(replace(VEHICLE, asset=each) for each in points),
        powers_w=dict.fromkeys(points, 7_360.0),
        planned_w=dict.fromkeys(points, (11_040.0, 0.0)),
    )


def test_80_by_24_shows_vehicles_with_what_they_want_and_until_when() -> None:
    lines = screen_of(street(6), 80, 24, doing="training forecast models (load 40%)")

    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for part in ("15.00", "Office ev-1", "7.36", "3.4 of 12.9", "19:30", "11.0↑", "more"):
        assert part in text
    assert all(f"Home {number}" in text for number in range(5))
    assert "gateway was killed" in text


def test_what_nobody_said_is_shown_as_expected_and_who_is_full_as_full() -> None:
    guessed = replace(VEHICLE, declared=False)
    full = replace(VEHICLE, takes=False)
    text = text_of(replace(street(0), vehicles=(guessed, full)))

    assert "3.4 of ~12.9" in text
    assert "~19:30" in text
    assert "3.4 full" in text


def test_charge_points_without_a_vehicle_say_so() -> None:
    assert "none plugged in" in text_of(street(0))


def test_a_terminal_that_shows_ascii_alone_is_sent_nothing_else() -> None:
    lines = screen_of(SNAPSHOT, 80, 24, ASCII)

    assert "\n".join(lines).isascii()
    assert any("1.0v" in line for line in lines)


def test_the_picture_shows_powers_plan_savings_and_trouble() -> None:
    text = text_of(SNAPSHOT)

    assert "Mon 05 Sep 2016 18:30 PDT" in text
    for part in ("Home 1", "1.50", "-0.50", "42%", "1.0↓", "2.5↑", "0.540 USD/kWh", "151 g/kWh"):
        assert part in text
    assert "+20.0%" in text
    assert "gateway was killed by SIGKILL, restarting" in text


def test_an_outage_and_what_the_grid_asks_are_told_even_on_a_small_screen() -> None:
    told = ("Hall is without the grid since Tue 17:03: the grid has 0 V", "asked for less", "third")
    lines = screen_of(replace(street(6), notices=told), 80, 24)
    assert (len(lines) <= 24, max(map(len, lines)) <= 80) == (True, True)
    text = "\n".join(lines)
    assert told[0] in text
    assert told[1] in text
    assert told[0] in summary_line(replace(SNAPSHOT, notices=told), ZONE)


def test_what_the_grid_asks_is_told_on_the_wall_clock_of_the_sites() -> None:
    event = event_pb2.Event(reduction=event_pb2.EventReduction())
    event.range.start_time.FromDatetime(datetime(2016, 9, 6, 1, tzinfo=UTC))
    event.range.end_time.FromDatetime(datetime(2016, 9, 6, 3, tzinfo=UTC))
    assert in_words(event, ZONE) == "asked for less, and paid for it, Mon 18:00 to 20:00"


def test_what_is_not_known_is_a_dash_and_never_a_zero() -> None:
    row = next(line for line in text_of(SNAPSHOT).splitlines() if "Home 2" in line)

    assert "–" in row
    assert "0.00" not in row


def test_an_empty_mesh_can_be_shown() -> None:
    assert "Wattmesh" in text_of(Snapshot(time=SNAPSHOT.time))


def test_the_line_for_logs_names_what_is_down() -> None:
    line = summary_line(SNAPSHOT, ZONE)

    assert line.startswith("2016-09-05 18:30")
    assert "cost 8.00 (without control 10.00)" in line
    assert line.endswith("down: gateway")


def test_what_the_line_does_not_know_is_a_dash_and_never_a_zero() -> None:
    assert "net –  battery –" in summary_line(Snapshot(time=SNAPSHOT.time), ZONE)


def test_what_plans_had_to_do_without_is_counted_by_kind() -> None:
    degradations = {"state/never_reported": 2, "carbon/service_unavailable": 1}
    snapshot = replace(SNAPSHOT, degradations=degradations)

    words = "degraded state/never_reported 2, carbon/service_unavailable 1"
    assert words in summary_line(snapshot, ZONE)
    assert words in text_of(snapshot)
    assert "degraded" not in summary_line(SNAPSHOT, ZONE)


def test_hours_that_nobody_metered_are_said() -> None:
    assert SNAPSHOT.accounts is not None
    snapshot = replace(SNAPSHOT, accounts=replace(SNAPSHOT.accounts, missing_intervals=3))

    assert "3 site hours not metered" in summary_line(snapshot, ZONE)
    assert "site hours not metered: 3" in text_of(snapshot)
