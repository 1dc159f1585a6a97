"""Vehicles that charge at once, zones that a thermostat keeps, and what of a saving is whose."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmesh_analytics.domain.causes import SavingsCause
from wattmesh_analytics.domain.charge_at_once import Stay, charge_at_once
from wattmesh_analytics.domain.energy import Energy
from wattmesh_analytics.domain.moved import Moved
from wattmesh_analytics.domain.savings import Savings, StoredGain, site_savings, together
from wattmesh_analytics.domain.site_energy import Counterfactual, SiteEnergy
from wattmesh_analytics.domain.thermostat import ZonePlant, ZoneRecord, ZoneRun, keep_schedule
from wattmesh_kernel.ids import AssetId, SiteId, TariffId
from wattmesh_kernel.money import Money
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import CopPoint, ZoneThermalModel
from wattmesh_kernel.tariff import DemandCharge, EnergyRates, RealTimePrice, Tariff

START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOME = SiteId("home-1")
ONE, OTHER = AssetId(HOME, "charger-1"), AssetId(HOME, "charger-2")
NO_LIMIT = np.full(6, np.inf)


def series(values_kwh: list[float]) -> Series:
    return Series(START, HOUR, np.array(values_kwh) * 1000)


def stay(first: float, last: float | None, power_kw: float) -> Stay:
    return Stay(
        arrival=START + first * HOUR,
        departure=None if last is None else START + last * HOUR,
        max_power_w=power_kw * 1000,
    )


def test_a_vehicle_charges_from_its_arrival_on_with_all_its_power() -> None:
    found = charge_at_once({ONE: series([0, 0, 0, 0, 4, 4])}, {ONE: [stay(0.5, None, 4)]}, NO_LIMIT)
    assert found.chargers[ONE].ruled.values.tolist() == [2_000, 4_000, 2_000, 0, 0, 0]
    assert found.lacking_wh == 0


def test_who_came_first_goes_first_where_the_connection_has_not_enough_for_both() -> None:
    metered = {ONE: series([0, 0, 0, 4, 4, 0]), OTHER: series([0, 3, 3, 0, 0, 0])}
    stays = {ONE: [stay(1, None, 4)], OTHER: [stay(0, 3, 4)]}
    found = charge_at_once(metered, stays, np.full(6, 5_000.0))

    assert found.chargers[OTHER].ruled.values.tolist() == [4_000, 2_000, 0, 0, 0, 0]
    assert found.chargers[ONE].ruled.values.tolist() == [0, 3_000, 4_000, 1_000, 0, 0]


def test_what_a_vehicle_would_have_left_without_is_told() -> None:
    found = charge_at_once(
        {ONE: series([3, 3, 0, 0, 0, 0])}, {ONE: [stay(0, 2, 3)]}, np.full(6, 1_000.0)
    )
    assert found.chargers[ONE].ruled.values.tolist() == [1_000, 1_000, 0, 0, 0, 0]
    assert found.lacking_wh == 4_000


@given(
    st.lists(st.floats(0, 5), min_size=6, max_size=6),
    st.integers(0, 5),
    st.integers(1, 6),
    st.floats(0.1, 12),
)
def test_without_a_limit_a_vehicle_gets_what_was_metered(
    kwh: list[float], first: int, length: int, power: float
) -> None:
    """And charge points give no less than they did, whatever the vehicle is said to take."""
    metered = series(kwh)
    found = charge_at_once({ONE: metered}, {ONE: [stay(first, first + length, power)]}, NO_LIMIT)

    assert found.chargers[ONE].ruled.values.sum() == pytest.approx(metered.values.sum(), abs=1e-6)
    assert found.lacking_wh == pytest.approx(0, abs=1e-6)


MODEL = ZoneThermalModel(
    air_capacity_wh_per_k=1_000,
    air_outdoor_resistance_k_per_w=0.01,
    mass_capacity_wh_per_k=8_000,
    air_mass_resistance_k_per_w=0.002,
)
PLANT = ZonePlant(
    model=MODEL,
    heating_w=3_000,
    heating_cop=(CopPoint(outdoor_temperature_celsius=0, cop_ratio=3.0),),
)


def zone(energy_kwh: list[float], air: list[float], first: float, low: float = 20.0) -> ZoneRecord:
    count = len(air)
    return ZoneRecord(
        energy_wh=series(energy_kwh),
        air_celsius=np.array(air),
        outdoor_celsius=np.zeros(count),
        low_celsius=np.full(count, low),
        high_celsius=np.full(count, low + 4),
        first_celsius=first,
    )


def unheated(hours: int, low: float) -> ZoneRun:
    """A zone that nobody heats from 20 °C on, and what a thermostat would have done."""
    return keep_schedule(zone([0.0] * hours, [20.0] * hours, 20.0, low), PLANT)


def test_a_zone_that_was_kept_at_its_edge_is_what_the_thermostat_does() -> None:
    """2,000 W are lost at 20 K: at a COP of 3 they take 667 W."""
    found = keep_schedule(zone([2 / 3] * 12, [20.0] * 12, 20.0), PLANT)

    assert found.moved.ruled.values == pytest.approx([2_000 / 3] * 12)
    assert found.stored_wh == pytest.approx(0, abs=1e-6)
    assert (found.metered_kelvin_hours, found.ruled_kelvin_hours) == pytest.approx((0, 0), abs=1e-6)


def test_a_zone_that_was_heated_in_advance_took_more_and_has_more_left() -> None:
    """What was taken more is left as warmth, or was lost by being warmer: nothing appears."""
    warm = [20.0 + 0.3 * hour for hour in range(1, 7)]
    found = keep_schedule(zone([2.0] * 6, warm, 20.0), PLANT)
    more_wh = -found.moved.change_wh.sum()

    assert 0 < found.stored_wh < more_wh
    assert found.ruled_kelvin_hours == pytest.approx(0, abs=1e-6)


def test_a_night_that_was_too_cold_is_no_saving_without_a_word() -> None:
    found = unheated(6, low=22.0)

    assert found.moved.change_wh.sum() > 0
    assert found.metered_kelvin_hours == pytest.approx(12)
    assert found.ruled_kelvin_hours < 4
    assert found.stored_wh < 0


def test_an_hour_without_a_temperature_is_known_on_neither_side() -> None:
    found = keep_schedule(zone([1.0] * 4, [20.0, np.nan, 20.0, 20.0], 20.0), PLANT)
    assert np.isfinite(found.moved.ruled.values).tolist() == [True, False, False, True]


def tariff(prices: list[float], peak: float = 0.0) -> Tariff:
    rates = EnergyRates(real_time=RealTimePrice(published=Series(START, HOUR, np.array(prices))))
    charges = (DemandCharge(id="peak", price_per_kw=peak, averaging=HOUR),) if peak else ()
    return Tariff(id=TariffId("t"), currency_code="EUR", import_rates=rates, demand_charges=charges)


def moved(metered: list[float], ruled: list[float]) -> Moved:
    return Moved(metered=series(metered), ruled=series(ruled))


def home() -> SiteEnergy:
    """A vehicle charged when it was cheap, a zone heated early, and a battery emptied at last."""
    battery = Energy.of_net(series([0, 0, -1]))
    return SiteEnergy(
        site=HOME,
        zone=ZoneInfo("UTC"),
        grid=Energy.of_net(series([3, 5, 1])),
        batteries={AssetId(HOME, "battery"): battery},
        charging={ONE: moved([0, 4, 0], [4, 0, 0])},
        climate={AssetId(HOME, "zone"): moved([2, 0, 0], [0, 0, 3])},
    )


def test_each_kind_saves_what_it_moved_and_all_of_it_adds_up() -> None:
    energy, prices = home(), tariff([0.3, 0.1, 0.5], peak=2.0)
    found = site_savings(
        energy, prices, energy.grid.range, Counterfactual.UNCONTROLLED, Money(Decimal(2), "EUR")
    )
    assert found.parts[SavingsCause.ARBITRAGE] == Decimal("0.5")
    assert found.parts[SavingsCause.CHARGING] == Decimal("0.8")
    assert found.parts[SavingsCause.HEATING_AND_COOLING] == Decimal("0.9")
    assert found.parts[SavingsCause.PEAK] == 0
    assert found.parts[SavingsCause.DEMAND_RESPONSE] == 2
    assert sum(found.parts.values()) == (found.without.cost - found.metered.cost).amount


@pytest.mark.parametrize(
    ("counterfactual", "cause", "amount"),
    [
        (Counterfactual.CHARGE_AT_ONCE, SavingsCause.CHARGING, "0.8"),
        (Counterfactual.THERMOSTAT, SavingsCause.HEATING_AND_COOLING, "0.9"),
        (Counterfactual.IDLE_STORAGE, SavingsCause.ARBITRAGE, "0.5"),
    ],
)
def test_a_kind_by_itself_leaves_the_others_as_metered(
    counterfactual: Counterfactual, cause: SavingsCause, amount: str
) -> None:
    energy = home()
    found = site_savings(energy, tariff([0.3, 0.1, 0.5]), energy.grid.range, counterfactual)

    assert found.saved.amount == found.parts[cause] == Decimal(amount)


def compared(
    metered_k_h: float | None, without_k_h: float | None, stored: StoredGain | None
) -> Savings:
    """The home without its zone's 0.9 EUR, by what else is known of both sides."""
    energy = home()
    found = site_savings(
        energy, tariff([0.3, 0.1, 0.5]), energy.grid.range, Counterfactual.THERMOSTAT
    )
    return replace(
        found,
        metered=replace(found.metered, discomfort_kelvin_hours=metered_k_h),
        without=replace(found.without, discomfort_kelvin_hours=without_k_h),
        stored=stored,
    )


def gain(amount: str | None) -> StoredGain:
    value = None if amount is None else Money(Decimal(amount), "EUR")
    return StoredGain(energy_kwh=1.0, value=value)


def test_a_night_that_was_too_cold_costs_what_plans_take_comfort_for() -> None:
    """0.9 saved by 2 K h more outside of the band, and with 0.2 of warmth less, are a loss."""
    cold = compared(3.0, 1.0, gain("-0.2"))
    assert (cold.comfort, cold.comparable) == (euros("-4"), euros("-3.30"))

    warm = compared(0.0, 1.5, gain("0.2"))
    assert (warm.comfort, warm.comparable) == (euros("3"), euros("4.10"))


def test_without_zones_and_storage_what_was_saved_is_comparable_as_it_is() -> None:
    assert compared(None, None, None).comparable == euros("0.90")


def test_what_cannot_be_made_equal_is_not_called_so() -> None:
    """Neither where a price is not known, nor for sites together of which one is not full."""
    known = compared(0.0, 1.5, gain("0.2"))
    empty = replace(compared(None, None, None), stored_unknown=True)

    assert compared(None, None, gain(None)).comparable is None
    assert together([known, empty]).comparable is None
    assert together([known, known]).comparable == euros("8.20")


def euros(amount: str) -> Money:
    return Money(Decimal(amount), "EUR").rounded()


def test_where_there_is_nothing_to_move_nothing_is_saved() -> None:
    """Though energy went both ways within an hour, of which a net knows nothing."""
    both = Energy(import_wh=series([3, 2, 1]), export_wh=series([1, 0, 2]))
    energy = SiteEnergy(site=HOME, zone=ZoneInfo("UTC"), grid=both)
    for counterfactual in Counterfactual:
        found = site_savings(energy, tariff([0.3, 0.1, 0.5]), both.range, counterfactual)
        assert found.saved.amount == 0
        assert not any(found.parts.values())
