"""What control saved, and why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmesh_analytics.domain.causes import SavingsCause
from wattmesh_analytics.domain.energy import Energy
from wattmesh_analytics.domain.savings import Savings, site_savings, together
from wattmesh_analytics.domain.site_energy import Counterfactual, SiteEnergy
from wattmesh_analytics.domain.stored import Storage, stored_gain
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId, SiteId, TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import BatteryRating
from wattmesh_kernel.tariff import DemandCharge, EnergyRates, RealTimePrice, Tariff

START = datetime(2024, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOME = SiteId("home-1")
NAN = float("nan")


def tariff(prices: list[float], export: float = 0.0, peak: float = 0.0) -> Tariff:
    """A dynamic tariff."""
    return Tariff(
        id=TariffId("t"),
        currency_code="EUR",
        import_rates=EnergyRates(
            real_time=RealTimePrice(published=Series(START, HOUR, np.array(prices)))
        ),
        export_rates=EnergyRates(base_per_kwh=export),
        demand_charges=(
            (DemandCharge(id="peak", price_per_kw=peak, averaging=HOUR),) if peak else ()
        ),
    )


def home(rest_kwh: list[float], battery_kwh: list[float], name: SiteId = HOME) -> SiteEnergy:
    """A home whose load less generation, and whose battery's power, are given per hour."""
    battery = np.array(battery_kwh) * 1000
    grid = np.array(rest_kwh) * 1000 + np.nan_to_num(battery)
    return SiteEnergy(
        site=name,
        zone=ZoneInfo("UTC"),
        grid=Energy.of_net(Series(START, HOUR, grid)),
        batteries={AssetId(name, "battery"): Energy.of_net(Series(START, HOUR, battery))},
    )


def saved(energy: SiteEnergy, by: Tariff) -> Savings:
    return site_savings(energy, by, energy.grid.range, Counterfactual.IDLE_STORAGE)


def test_stored_sun_is_self_consumption() -> None:
    """2 kWh not exported (0.08 each), 1.8 kWh not imported (0.40 each): 0.56."""
    found = saved(home([-3, 2], [2, -1.8]), tariff([0.40, 0.40], export=0.08))
    assert found.saved.amount == Decimal("0.56")
    assert found.parts[SavingsCause.SELF_CONSUMPTION] == Decimal("0.56")


def test_bought_cheap_and_used_dear_is_arbitrage() -> None:
    found = saved(home([1, 2], [2, -1.8]), tariff([0.10, 0.40]))
    assert found.saved.amount == Decimal("0.52")
    assert found.parts[SavingsCause.ARBITRAGE] == Decimal("0.52")


def test_a_lower_peak_is_told_apart() -> None:
    found = saved(home([1, 5], [2, -2]), tariff([0.10, 0.10], peak=3.0))
    assert found.parts[SavingsCause.PEAK] == Decimal("6")
    assert found.parts[SavingsCause.ARBITRAGE] == 0
    assert (found.without.peak_kw, found.metered.peak_kw) == (5.0, 3.0)


def test_an_hour_without_the_batterys_meter_is_on_neither_side() -> None:
    found = saved(home([1, 2, 4], [0, -1, NAN]), tariff([0.5, 0.5, 0.5]))
    assert found.missing_intervals == 1
    assert found.covered_ratio == pytest.approx(2 / 3)
    assert found.without.cost.rounded().amount == Decimal("1.50")
    assert found.metered.cost.rounded().amount == Decimal("1.00")


def declared(energy: SiteEnergy, change_kwh: list[float], by: Tariff) -> Savings:
    told = replace(energy, declared_wh=Series(START, HOUR, np.array(change_kwh) * 1000))
    return site_savings(told, by, energy.grid.range, Counterfactual.DECLARED)


def test_what_somebody_declares_is_priced_like_what_was_metered() -> None:
    """2 kWh of the dear hour would have been taken in the cheap one."""
    found = declared(home([1, 3], [0, 0]), [2, -2], tariff([0.10, 0.40], peak=1.0))
    assert found.saved.amount == Decimal("-0.60")
    assert found.parts[SavingsCause.DECLARED] == Decimal("-0.60")
    assert found.parts[SavingsCause.PEAK] == 0
    assert found.without.total_kwh == (4.0, 0.0)


def test_a_declared_change_leaves_what_went_both_ways_and_the_hours_it_says_nothing_of() -> None:
    """Netted, an hour with 2 kWh in and 1 out would have been cheaper with nothing changed."""
    both = Energy(
        import_wh=Series(START, HOUR, np.array([2_000.0, 2_000.0])),
        export_wh=Series(START, HOUR, np.array([1_000.0, 1_000.0])),
    )
    energy = SiteEnergy(site=HOME, zone=ZoneInfo("UTC"), grid=both)
    found = declared(energy, [0, 1], tariff([0.50, 0.50], export=0.10))
    (without,) = found.without.energies
    assert without.import_wh.values.tolist() == [2_000.0, 3_000.0]
    assert without.export_wh.values.tolist() == [1_000.0, 1_000.0]
    assert found.saved.amount == Decimal("0.50")


def test_an_hour_of_which_a_caller_knows_nothing_is_on_neither_side() -> None:
    found = declared(home([1, 2], [0, 0]), [1, NAN], tariff([0.5, 0.5]))
    assert (found.missing_intervals, found.metered.cost.amount) == (1, Decimal("0.5"))


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=1, max_size=6))
def test_nothing_declared_saves_nothing_and_what_is_declared_balances(
    hours: list[tuple[float, float]],
) -> None:
    rest, change = [each for each, _ in hours], [each for _, each in hours]
    prices = tariff([0.3] * len(hours), export=0.1)
    energy = home(rest, [0.0] * len(hours))
    assert declared(energy, [0.0] * len(hours), prices).saved.amount == 0
    (without,) = declared(energy, change, prices).without.energies
    assert without.net_wh == pytest.approx((np.array(rest) + change) * 1000, abs=1e-6)


def test_peaks_of_sites_count_at_the_same_time() -> None:
    one, other = home([5, 1], [0, 0]), home([1, 5], [0, 0], SiteId("home-2"))
    total = together([saved(each, tariff([0.1, 0.1])) for each in (one, other)])
    assert total.metered.peak_kw == 6.0
    assert total.sites == (HOME, SiteId("home-2"))


def test_currencies_are_not_added_up() -> None:
    euro = saved(home([1], [0]), tariff([0.1]))
    pound = Tariff(id=TariffId("p"), currency_code="GBP")
    with pytest.raises(InvalidArgument, match="do not add up"):
        together([euro, saved(home([1], [0], SiteId("home-2")), pound)])


def test_what_is_left_in_the_battery_is_worth_what_it_gives_back() -> None:
    rating = BatteryRating(
        capacity_wh=10_000,
        max_charge_power_w=1,
        max_discharge_power_w=1,
        discharge_efficiency_ratio=0.9,
    )
    storage = Storage(rating=rating, first_soc_ratio=0.2, last_soc_ratio=0.7)
    gain = stored_gain([storage], 0.30, "EUR")
    assert gain.value is not None
    assert gain.energy_kwh == pytest.approx(5.0)
    assert gain.value.rounded().amount == Decimal("1.35")


HOURS = st.lists(
    st.tuples(st.floats(-5, 5), st.floats(-5, 5), st.floats(-0.2, 0.8)), min_size=1, max_size=30
)


@given(HOURS, st.floats(0, 0.3), st.floats(0, 10))
def test_the_parts_always_add_up_to_the_saving(
    hours: list[tuple[float, float, float]], export: float, peak: float
) -> None:
    rest, battery, prices = (list(column) for column in zip(*hours, strict=True))
    found = saved(home(rest, battery), tariff(prices, export, peak))
    exact = found.without.cost - found.metered.cost
    assert abs(sum(found.parts.values(), Decimal(0)) - exact.amount) < Decimal("1e-6")


@given(HOURS)
def test_a_battery_that_does_nothing_saves_nothing(
    hours: list[tuple[float, float, float]],
) -> None:
    found = saved(home([each[0] for each in hours], [0.0] * len(hours)), tariff([0.3] * len(hours)))
    assert found.saved.amount == 0
    assert all(part == 0 for part in found.parts.values())
