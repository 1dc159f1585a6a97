"""Registers to energies, and the balance of a site."""

import asyncio
import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.metering_model import MemoryModelHistory, following
from tests.fakes.metering_store import MemoryMetering
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, SiteId
from wattmesh_kernel.sites import (
    Asset,
    Device,
    DeviceFunction,
    EvChargerRating,
    GridConnectionRating,
    LoadRating,
    MeterRole,
    MqttConnection,
    PvRating,
    Rating,
    Resource,
    Site,
)
from wattmesh_kernel.time import TimeRange
from wattmesh_metering.app.query_energy import AssetEnergy, QueryEnergy
from wattmesh_metering.domain.balance import Role, derived_energy, role_of
from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.intervals import Intervals
from wattmesh_metering.domain.readings import Floats, History, Ints, to_microseconds
from wattmesh_metering.domain.resampling import last_before
from wattmesh_metering.domain.selectors import AssetSelector

START = datetime(2024, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOUR_US = 3_600_000_000
SITE = SiteId("s")
NAN = math.nan


def _history(*rows: tuple[float, float]) -> History:
    """Hours and values."""
    return History(
        times_us=np.array([int(hour * HOUR_US) for hour, _ in rows], np.int64),
        values=np.array([value for _, value in rows], np.float64),
    )


def _hours(*hours: float) -> np.ndarray:
    return np.array([int(hour * HOUR_US) for hour in hours], np.int64)


def register_at(history: History, times_us: Ints, longest_gap_us: int) -> Floats:
    row = Histories.of_one(history).registers_at([1], times_us[np.newaxis], longest_gap_us)
    values: Floats = row[0]
    return values


def increase(history: History, bounds_us: Ints, longest_gap_us: int) -> Floats:
    rises: Floats = Histories.of_one(history).rises([1], bounds_us[np.newaxis], longest_gap_us)[0]
    return rises


def test_a_register_between_two_readings_is_on_the_line_between_them() -> None:
    history = _history((10, 100), (11, 160))
    at = register_at(history, _hours(9.9, 10, 10.25, 11, 11.1), 3 * HOUR_US)
    assert at == pytest.approx([NAN, 100, 115, 160, NAN], nan_ok=True)


def test_a_reading_at_a_bound_counts_whatever_the_gaps_around_it() -> None:
    history = _history((0, 0), (10, 100), (20, 300))
    rises = increase(history, _hours(0, 10, 15, 20), 3 * HOUR_US)
    assert rises == pytest.approx([100, NAN, NAN], nan_ok=True)


def test_nothing_is_known_of_a_register_without_readings_but_the_one_it_has() -> None:
    assert register_at(History.empty(), _hours(1), HOUR_US) == pytest.approx([NAN], nan_ok=True)
    one = register_at(_history((1, 5)), _hours(0, 1, 2), HOUR_US)
    assert one == pytest.approx([NAN, 5, NAN], nan_ok=True)


def test_a_fall_is_not_energy_but_rounding_is_none() -> None:
    history = _history((0, 1e6), (1, 1e6 - 1e-5), (2, 1e6 - 1))
    rises = increase(history, _hours(0, 1, 2), HOUR_US)
    assert rises == pytest.approx([0, NAN], nan_ok=True)


def test_resets_are_no_falls() -> None:
    shown = _history((0, 90), (1, 95), (2, 2), (3, 7), (4, 1))
    history = History(times_us=shown.times_us, values=shown.values, resets_us=_hours(2, 4, 9))
    assert register_at(history, shown.times_us, 0).tolist() == [90, 95, 97, 102, 103]
    assert increase(history, _hours(0, 2, 4), HOUR_US).tolist() == [7, 6]
    assert last_before(history, _hours(2, 3, 4)).tolist() == [2, 7]


@pytest.mark.parametrize(
    ("rating", "role"),
    [
        (GridConnectionRating(), Role.GRID),
        (LoadRating(derived=True), Role.DERIVED),
        (LoadRating(informational=True), Role.INFORMATIONAL),
        (LoadRating(), Role.BALANCED),
        (PvRating(peak_power_w=1), Role.BALANCED),
        (EvChargerRating(min_current_a=6, max_current_a=16), Role.BALANCED),
    ],
)
def test_what_an_asset_is_in_the_balance(rating: Rating, role: Role) -> None:
    assert role_of(rating) is role


def _asset(name: str, rating: Rating) -> Asset:
    return Asset(id=AssetId(SITE, name), rating=rating)


def _device(name: str, quantities: tuple[str, ...], *functions: DeviceFunction) -> Device:
    return Device(
        id=DeviceId(SITE, name),
        profile="test",
        gateway=GatewayId("g"),
        connection=MqttConnection(address="a"),
        reporting_interval=timedelta(minutes=15),
        points=frozenset(quantities),
        functions=functions,
    )


def _does(
    asset: str,
    role: MeterRole | None = MeterRole.MAIN,
    *,
    controls: bool = False,
    start: datetime | None = None,
    end: datetime | None = None,
) -> DeviceFunction:
    return DeviceFunction(
        asset=AssetId(SITE, asset), meter_role=role, controls=controls, start=start, end=end
    )


IN, OUT = "import_energy_wh", "export_energy_wh"
BOTH = (IN, OUT)
DEVICES = ("meter", "inverter", "inverter-2", "battery", "heat-pump", "sub-meter")
KEYS = {
    f"sites/s/devices/{device}/points/{quantity}": 2 * place + side
    for place, device in enumerate(DEVICES)
    for side, quantity in enumerate(BOTH, start=1)
}
NAMES = list(KEYS)
HOUSE = Site(id=SITE, time_zone="UTC", currency_code="EUR")
PV = _asset("pv", PvRating(peak_power_w=5000))
HOME: tuple[Resource, ...] = (
    HOUSE,
    _asset("grid", GridConnectionRating()),
    _asset("load", LoadRating(derived=True)),
    PV,
    _asset("battery", LoadRating()),
    _asset("heat-pump", LoadRating()),
    _asset("kitchen", LoadRating(informational=True)),
    _device("meter", BOTH, _does("grid")),
    _device("inverter", (OUT,), _does("pv", MeterRole.PART)),
    _device("inverter-2", (OUT,), _does("pv", MeterRole.PART)),
    _device("battery", BOTH, _does("battery", controls=True)),
    _device("heat-pump", (IN,), _does("heat-pump")),
    _device("sub-meter", (IN,), _does("kitchen")),
)


def _history_of(*resources: Resource) -> MemoryModelHistory:
    return MemoryModelHistory(*resources, point_keys=KEYS)


def _query(
    store: MemoryMetering,
    hours: int,
    *assets: str,
    tolerance_wh: float = 0.0,
    model: MemoryModelHistory | None = None,
) -> dict[str, AssetEnergy]:
    follower = following(model or _history_of(*HOME))
    query = QueryEnergy(follower, store, longest_gap=3 * HOUR, tolerance_wh=tolerance_wh)
    intervals = Intervals(range=TimeRange(START, START + hours * HOUR), resolution=HOUR)
    selectors = [AssetSelector.parse(f"sites/s/assets/{name}") for name in assets or ("-",)]
    found = asyncio.run(query.run(selectors, intervals))
    return {one.asset.segment: one for one in found}


def _count(store: MemoryMetering, device: str, quantity: str, *values: float) -> None:
    """Keep a register's values, one an hour from the start on."""
    key = KEYS[f"sites/s/devices/{device}/points/{quantity}"]
    for hour, value in enumerate(values):
        store.kept[key, to_microseconds(START) + hour * HOUR_US] = (value, 1, False)


def _imported(found: AssetEnergy) -> list[float]:
    values: list[float] = found.energy.imported_wh.tolist()
    return values


registers = st.lists(
    st.lists(
        st.tuples(st.integers(1, 100), st.floats(0, 3000, allow_subnormal=False)),
        min_size=6,
        max_size=14,
    ),
    min_size=len(NAMES),
    max_size=len(NAMES),
)


@settings(max_examples=60, deadline=None)
@given(steps=registers, tolerance_wh=st.sampled_from([0.0, 5.0]))
def test_energies_balance_and_are_never_negative(
    steps: list[list[tuple[int, float]]], tolerance_wh: float
) -> None:
    """Registers read at odd times, each with its own gaps."""
    store = MemoryMetering(NAMES)
    for key, register in enumerate(steps, start=1):
        minute, total = -30, 0.0
        for minutes, energy_wh in register:
            store.kept[key, to_microseconds(START) + minute * 60_000_000] = (total, 1, False)
            minute, total = minute + minutes, total + energy_wh
    energies = _query(store, 6, tolerance_wh=tolerance_wh)
    net = {name: one.energy.net_wh for name, one in energies.items()}
    rest = net["grid"] - net["pv"] - net["battery"] - net["heat-pump"] - net["load"]
    unknown = np.isnan(net["grid"] + net["pv"] + net["battery"] + net["heat-pump"])
    assert (np.isnan(net["load"]) == unknown).all()
    assert np.abs(rest[~unknown]).max(initial=0.0) <= tolerance_wh + 1e-6
    for one in energies.values():
        for values in (one.energy.imported_wh, one.energy.exported_wh):
            assert (np.isnan(values) | (values >= 0)).all()
    both = energies["load"].energy
    assert (np.fmin(both.imported_wh, both.exported_wh)[~unknown] == 0).all()


def test_a_load_is_derived_even_when_nothing_else_is_asked_for() -> None:
    store = MemoryMetering(NAMES)
    rises = {1: 3000.0, 2: 0.0, 4: 3500.0, 6: 500.0, 7: 1000.0, 8: 0.0, 9: 0.0}
    for key, rise in rises.items():
        for hour in range(3):
            time_us = to_microseconds(START) + hour * HOUR_US
            store.kept[key, time_us] = (rise * hour, 1, False)
    found = _query(store, 2, "load")
    assert found["load"].derived
    assert found["load"].energy.imported_wh.tolist() == [6000, 6000]
    assert set(found) == {"load"}


def test_an_asset_that_counts_one_way_does_nothing_the_other_way() -> None:
    store = MemoryMetering(NAMES)
    _count(store, "inverter", OUT, 0, 5)
    model = _history_of(HOUSE, PV, _device("inverter", (OUT,), _does("pv")))
    energy = _query(store, 2, model=model)["pv"].energy
    assert energy.imported_wh == pytest.approx([0, NAN], nan_ok=True)
    assert energy.exported_wh == pytest.approx([5, NAN], nan_ok=True)


def test_a_contradiction_between_meters_shows_as_export_of_the_load() -> None:
    store = MemoryMetering(NAMES)
    for key, rise in {1: 0.0, 2: 1000.0, 4: 900.0, 6: 97.0, 7: 0.0, 8: 0.0, 9: 0.0}.items():
        for hour in range(2):
            store.kept[key, to_microseconds(START) + hour * HOUR_US] = (rise * hour, 1, False)
    assert _query(store, 1, "load")["load"].energy.exported_wh.tolist() == [3]
    assert _query(store, 1, "load", tolerance_wh=5)["load"].energy.exported_wh.tolist() == [0]


def test_without_a_grid_meter_no_load_is_known() -> None:
    unknown = derived_energy([], [], 0.0, 2)
    assert np.isnan(unknown.imported_wh).all()


@pytest.mark.parametrize(
    ("start", "end", "resolution"),
    [
        (START, START + HOUR, timedelta(hours=2)),
        (START + timedelta(minutes=1), START + HOUR, timedelta(minutes=15)),
        (START, START, HOUR),
        (START, START + HOUR, timedelta(0)),
        (START, START + HOUR, timedelta(milliseconds=100)),
        (START, START + timedelta(days=60), timedelta(seconds=1)),
    ],
)
def test_intervals_off_the_clock_are_refused(
    start: datetime, end: datetime, resolution: timedelta
) -> None:
    with pytest.raises(InvalidArgument):
        Intervals(range=TimeRange(start, end), resolution=resolution)


def test_a_meter_and_a_controller_of_one_asset_count_once() -> None:
    store = MemoryMetering(NAMES)
    _count(store, "meter", IN, 0, 100, 200)
    _count(store, "battery", IN, 0, 90, 180)
    model = _history_of(
        HOUSE,
        _asset("battery", LoadRating()),
        _device("meter", BOTH, _does("battery")),
        _device("battery", BOTH, _does("battery", None, controls=True)),
    )
    _count(store, "meter", OUT, 0, 0, 0)
    assert _imported(_query(store, 2, model=model)["battery"]) == [100, 100]


@pytest.mark.parametrize("role", [MeterRole.CHECK, MeterRole.SUB])
def test_only_the_main_meter_counts(role: MeterRole) -> None:
    store = MemoryMetering(NAMES)
    _count(store, "meter", IN, 0, 100, 200)
    _count(store, "sub-meter", IN, 0, 101, 202)
    model = _history_of(
        HOUSE,
        _asset("load", LoadRating()),
        _device("meter", (IN,), _does("load")),
        _device("sub-meter", (IN,), _does("load", role)),
    )
    assert _imported(_query(store, 2, model=model)["load"]) == [100, 100]


def test_parts_add_up_for_as_long_as_they_are_parts() -> None:
    store = MemoryMetering(NAMES)
    _count(store, "inverter", OUT, 0, 10, 20, 30, 40)
    _count(store, "inverter-2", OUT, 0, 1, 2, 3, 4)
    since = START + 2.5 * HOUR
    model = _history_of(
        HOUSE,
        PV,
        _device("inverter", (OUT,), _does("pv", MeterRole.PART)),
        _device("inverter-2", (OUT,), _does("pv", MeterRole.PART, start=since)),
    )
    found = _query(store, 4, model=model)["pv"].energy
    assert found.exported_wh.tolist() == [10, 10, 10.5, 11]


def test_a_replaced_meter_counts_up_to_then_and_the_new_one_from_then_on() -> None:
    store = MemoryMetering(NAMES)
    _count(store, "meter", IN, 0, 100, 200, 300, 400)
    _count(store, "sub-meter", IN, 7000, 7010, 7020, 7030, 7040)
    then = START + 1.5 * HOUR
    model = _history_of(
        HOUSE,
        _asset("load", LoadRating()),
        _device("meter", (IN,), _does("load", end=then)),
        _device("sub-meter", (IN,), _does("load", start=then)),
    )
    assert _imported(_query(store, 4, model=model)["load"]) == [100, 55, 10, 10]


def test_what_is_counted_only_for_a_part_of_an_interval_is_not_known() -> None:
    store = MemoryMetering(NAMES)
    _count(store, "meter", IN, 0, 100, 200, 300)
    model = _history_of(
        HOUSE,
        _asset("load", LoadRating()),
        _device("meter", (IN,), _does("load", start=START + 0.5 * HOUR, end=START + 2 * HOUR)),
    )
    found = _imported(_query(store, 3, model=model)["load"])
    assert found == pytest.approx([NAN, 100, NAN], nan_ok=True)


def test_a_deleted_meter_counts_up_to_its_deletion_though_another_takes_its_place() -> None:
    """Nobody says from when on the new one counts; it has no readings of before."""
    store = MemoryMetering(NAMES)
    _count(store, "meter", IN, 0, 100, 200)
    for hour in (2, 3, 4):
        store.kept[
            KEYS[f"sites/s/devices/sub-meter/points/{IN}"], to_microseconds(START) + hour * HOUR_US
        ] = (10.0 * hour, 1, False)
    old = _device("meter", (IN,), _does("load"))
    model = _history_of(HOUSE, _asset("load", LoadRating()), old)
    model.delete(old, START + 2 * HOUR)
    assert _imported(_query(store, 4, model=model)["load"]) == pytest.approx(
        [100, 100, NAN, NAN], nan_ok=True
    )
    model.change(_device("sub-meter", (IN,), _does("load")))
    assert _imported(_query(store, 4, model=model)["load"]) == [100, 100, 10, 10]


def test_a_device_that_comes_again_has_its_past_again_and_counts_once() -> None:
    store = MemoryMetering(NAMES)
    _count(store, "meter", IN, 0, 100, 200, 300, 400)
    device = _device("meter", (IN,), _does("load"))
    model = _history_of(HOUSE, _asset("load", LoadRating()), device)
    model.delete(device, START + 1.5 * HOUR)
    model.change(device)
    assert _imported(_query(store, 4, model=model)["load"]) == [100, 100, 100, 100]


def test_a_deleted_device_without_readings_does_not_hide_its_successor() -> None:
    store = MemoryMetering(NAMES)
    _count(store, "meter", IN, 0, 100, 200)
    wrong = _device("sub-meter", (IN,), _does("load"))
    model = _history_of(HOUSE, _asset("load", LoadRating()), wrong)
    model.delete(wrong, START + 5 * HOUR)
    model.change(_device("meter", (IN,), _does("load")))
    assert _imported(_query(store, 2, model=model)["load"]) == [100, 100]


def test_a_deleted_asset_keeps_its_past_and_leaves_the_balance() -> None:
    store = MemoryMetering(NAMES)
    _count(store, "meter", IN, 0, 100, 200, 300)
    _count(store, "meter", OUT, 0, 0, 0, 0)
    _count(store, "heat-pump", IN, 0, 40, 80)
    pump, device = (
        _asset("heat-pump", LoadRating()),
        _device("heat-pump", (IN,), _does("heat-pump")),
    )
    model = _history_of(HOUSE, *HOME[1:3], HOME[7], pump, device)
    model.delete(device, START + 2 * HOUR)
    model.delete(pump, START + 2 * HOUR)
    assert _imported(_query(store, 3, "load", model=model)["load"]) == [60, 60, 100]
    past = _imported(_query(store, 3, "heat-pump", model=model)["heat-pump"])
    assert past == pytest.approx([40, 40, NAN], nan_ok=True)
    assert "heat-pump" not in _query(store, 3, model=model)


def test_a_deleted_asset_that_nothing_ever_measured_is_no_gap_in_the_balance() -> None:
    store = MemoryMetering(NAMES)
    _count(store, "meter", IN, 0, 100)
    _count(store, "meter", OUT, 0, 0)
    mistake = _asset("heat-pump", LoadRating())
    model = _history_of(HOUSE, *HOME[1:3], HOME[7], mistake)
    model.delete(mistake, START + 5 * HOUR)
    assert _imported(_query(store, 1, "load", model=model)["load"]) == [100]


def test_functions_with_different_registers_make_one_asset() -> None:
    store = MemoryMetering(NAMES)
    _count(store, "meter", IN, 0, 100)
    _count(store, "inverter", OUT, 0, 30)
    model = _history_of(
        HOUSE,
        _asset("battery", LoadRating()),
        _device("meter", (IN,), _does("battery")),
        _device("inverter", (OUT,), _does("battery")),
    )
    energy = _query(store, 1, model=model)["battery"].energy
    assert (energy.imported_wh.tolist(), energy.exported_wh.tolist()) == ([100], [30])


lines = st.lists(
    st.lists(st.tuples(st.integers(0, 40), st.floats(0, 100)), max_size=8), min_size=1, max_size=5
)


@settings(max_examples=80, deadline=None)
@given(lines, st.lists(st.integers(-2, 42), min_size=1, max_size=6))
def test_many_registers_at_once_are_as_each_by_itself(
    drawn: list[list[tuple[int, float]]], hours: list[int]
) -> None:
    """Numpy's interpolation is the judge; one search finds the places in all of them."""
    histories = [dict(sorted(rows)) for rows in drawn]
    times = [np.array(list(rows), np.int64) * HOUR_US for rows in histories]
    values = [np.array(list(rows.values())) for rows in histories]
    together = Histories(
        keys=range(len(drawn)),
        ends=np.cumsum([len(own) for own in times], dtype=np.int64),
        times_us=np.concatenate(times),
        values=np.concatenate(values),
    )
    asked = np.array(hours, np.int64) * HOUR_US
    found = together.registers_at(list(range(len(drawn))), np.tile(asked, (len(drawn), 1)), 10**15)
    for row, own_times, own_values in zip(found, times, values, strict=True):
        expected = np.full(len(asked), NAN)
        if len(own_times):
            within = (asked >= own_times[0]) & (asked <= own_times[-1])
            expected[within] = np.interp(asked[within], own_times, own_values)
        assert row == pytest.approx(expected, nan_ok=True)
