"""Registers to energies, and the balance of a site."""

import asyncio
import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.metering_store import MemoryMetering
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.time import TimeRange
from wattmesh_metering.app.query_energy import AssetEnergy, QueryEnergy
from wattmesh_metering.domain.assets import (
    AssetKind,
    Battery,
    EvCharger,
    GridConnection,
    Load,
    PvArray,
)
from wattmesh_metering.domain.balance import MeteredAsset, Role, derived_energy, role_of
from wattmesh_metering.domain.grid import Grid
from wattmesh_metering.domain.readings import History, to_microseconds
from wattmesh_metering.domain.resampling import (
    increase,
    last_before,
    register_at,
    without_resets,
)
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
        values=np.array([value for _, value in rows]),
    )


def _hours(*hours: float) -> np.ndarray:
    return np.array([int(hour * HOUR_US) for hour in hours], np.int64)


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
    assert without_resets(history).tolist() == [90, 95, 97, 102, 103]
    assert increase(history, _hours(0, 2, 4), HOUR_US).tolist() == [7, 6]
    assert last_before(history, _hours(2, 3, 4)).tolist() == [2, 7]


@pytest.mark.parametrize(
    ("kind", "role"),
    [
        (GridConnection(), Role.GRID),
        (Load(derived=True), Role.DERIVED),
        (Load(informational=True), Role.INFORMATIONAL),
        (Load(), Role.BALANCED),
        (PvArray(peak_power_w=1), Role.BALANCED),
        (EvCharger(min_current_a=6, max_current_a=16, phases=3), Role.BALANCED),
    ],
)
def test_what_an_asset_is_in_the_balance(kind: AssetKind, role: Role) -> None:
    assert role_of(kind) is role


def _asset(
    name: str, role: Role, imports: tuple[int, ...], exports: tuple[int, ...]
) -> MeteredAsset:
    return MeteredAsset(id=AssetId(SITE, name), role=role, import_keys=imports, export_keys=exports)


DEVICES = ("meter", "inverter", "inverter-2", "battery", "heat-pump", "sub-meter")
NAMES = [
    f"sites/s/devices/{device}/points/{direction}_energy_wh"
    for device in DEVICES
    for direction in ("import", "export")
]
ASSETS = [
    _asset("grid", Role.GRID, (1,), (2,)),
    _asset("load", Role.DERIVED, (), ()),
    _asset("pv", Role.BALANCED, (), (4, 6)),
    _asset("battery", Role.BALANCED, (7,), (8,)),
    _asset("heat-pump", Role.BALANCED, (9,), ()),
    _asset("kitchen", Role.INFORMATIONAL, (11,), ()),
]


def _query(
    store: MemoryMetering, hours: int, *assets: str, tolerance_wh: float = 0.0
) -> dict[str, AssetEnergy]:
    query = QueryEnergy(store, store, longest_gap=3 * HOUR, tolerance_wh=tolerance_wh)
    grid = Grid(range=TimeRange(START, START + hours * HOUR), resolution=HOUR)
    selectors = [AssetSelector.parse(f"sites/s/assets/{name}") for name in assets or ("-",)]
    found = asyncio.run(query.run(selectors, grid))
    return {one.asset.segment: one for one in found}


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
    store = MemoryMetering(NAMES, ASSETS)
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
    store = MemoryMetering(NAMES, ASSETS)
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
    store = MemoryMetering(NAMES, [_asset("pv", Role.BALANCED, (), (4,))])
    for hour in range(2):
        store.kept[4, to_microseconds(START) + hour * HOUR_US] = (5.0 * hour, 1, False)
    energy = _query(store, 2)["pv"].energy
    assert energy.imported_wh == pytest.approx([0, NAN], nan_ok=True)
    assert energy.exported_wh == pytest.approx([5, NAN], nan_ok=True)


def test_a_contradiction_between_meters_shows_as_export_of_the_load() -> None:
    store = MemoryMetering(NAMES, ASSETS)
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
def test_a_grid_off_the_clock_is_refused(
    start: datetime, end: datetime, resolution: timedelta
) -> None:
    with pytest.raises(InvalidArgument):
        Grid(range=TimeRange(start, end), resolution=resolution)


def test_a_battery_has_sensible_parameters() -> None:
    sound = {
        "capacity_wh": 6400.0,
        "charge_limit_w": 5000.0,
        "discharge_limit_w": 5000.0,
        "charge_efficiency_ratio": 0.95,
        "discharge_efficiency_ratio": 0.95,
    }
    assert Battery(**sound).max_soc_ratio is None
    for change in (
        {"capacity_wh": 0.0},
        {"capacity_wh": math.inf},
        {"charge_limit_w": -1.0},
        {"charge_efficiency_ratio": 1.1},
        {"discharge_efficiency_ratio": 0.0},
        {"min_soc_ratio": 0.9, "max_soc_ratio": 0.8},
        {"wear_cost_per_kwh": NAN},
    ):
        with pytest.raises(InvalidArgument):
            Battery(**(sound | change))
