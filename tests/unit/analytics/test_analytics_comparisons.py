"""The plain rule, what is missing, and many sites as one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmesh_analytics.domain.energy import Energy
from wattmesh_analytics.domain.plain_rule import follow_rule
from wattmesh_analytics.domain.portfolio import by_zone, weighted, weights, zone_energy
from wattmesh_analytics.domain.savings import site_savings
from wattmesh_analytics.domain.site_energy import Counterfactual, Fuelled, SiteEnergy
from wattmesh_kernel.ids import AssetId, SiteId, TariffId, ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import BatteryRating
from wattmesh_kernel.tariff import EnergyRates, Tariff

START = datetime(2024, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOME = SiteId("home-1")
NAN = float("nan")
RATING = BatteryRating(
    capacity_wh=4_000,
    max_charge_power_w=2_000,
    max_discharge_power_w=2_000,
    charge_efficiency_ratio=0.95,
    discharge_efficiency_ratio=0.95,
    min_soc_ratio=0.1,
)
FLAT = Tariff(id=TariffId("flat"), currency_code="EUR", import_rates=EnergyRates(base_per_kwh=0.5))


def series(values_kwh: list[float]) -> Series:
    return Series(START, HOUR, np.array(values_kwh) * 1000)


def home(rest: list[float], battery: list[float]) -> SiteEnergy:
    rest_wh, net = np.array(rest) * 1000, np.array(battery) * 1000
    name = AssetId(HOME, "battery")
    return SiteEnergy(
        site=HOME,
        zone=ZoneInfo("UTC"),
        grid=Energy.of_net(Series(START, HOUR, rest_wh + net)),
        batteries={name: Energy.of_net(Series(START, HOUR, net))},
        ratings={name: RATING},
        first_soc_ratios={name: 0.5},
    )


def test_the_rule_takes_what_is_too_much_within_power_and_capacity() -> None:
    """2 of 3 kWh by power, then 0.42 until it is full, then 1.9 back by what it holds."""
    run = follow_rule(np.array([-3_000.0, -3_000.0, 9_000.0]), RATING, 0.1, 1.0)

    assert run.net_wh[0] == 2_000
    assert run.net_wh[1] == pytest.approx((3_600 - 1_900) / 0.95)
    assert run.net_wh[2] == -2_000
    assert run.last_soc_ratio == pytest.approx((4_000 - 2_000 / 0.95) / 4_000)


def test_what_is_not_known_is_not_ruled() -> None:
    run = follow_rule(np.array([NAN, -1_000.0]), RATING, 0.5, 1.0)

    assert np.isnan(run.net_wh[0])
    assert run.net_wh[1] == 1_000


@given(st.lists(st.floats(-9_000, 9_000), min_size=1, max_size=40), st.floats(0.1, 1))
def test_the_rule_gives_back_no_more_than_it_holds(rest: list[float], first: float) -> None:
    run = follow_rule(np.array(rest), RATING, first, 1.0)
    into, out = np.maximum(run.net_wh, 0), np.maximum(-run.net_wh, 0)
    stored = first * 4_000 + 0.95 * into.sum() - out.sum() / 0.95

    assert stored == pytest.approx(run.last_soc_ratio * 4_000, abs=1e-6)
    assert 0.1 - 1e-9 <= run.last_soc_ratio <= 1 + 1e-9
    assert (np.abs(np.array(rest) + run.net_wh) <= np.abs(rest) + 1e-9).all()


def test_control_is_held_against_the_rule_and_not_against_nothing() -> None:
    """The rule would have used the 2 kWh stored at first; control did nothing at all."""
    energy = home([2.0, 2.0], [0.0, 0.0])
    found = site_savings(energy, FLAT, energy.grid.range, Counterfactual.SELF_CONSUMPTION)

    usable = (0.5 - 0.1) * 4 * 0.95
    assert found.saved.amount == pytest.approx(Decimal(f"{-usable * 0.5:.2f}"))


def test_with_nothing_missing_both_ends_are_the_saving() -> None:
    energy = home([1.0] * 72, [-0.5] * 72)
    found = site_savings(energy, FLAT, energy.grid.range, Counterfactual.IDLE_STORAGE)

    assert found.interval is not None
    assert found.interval.low == found.interval.high == Decimal(18)


def test_a_missing_day_is_one_like_the_others_give_or_take() -> None:
    battery = [-0.5] * 24 + [NAN] * 24 + [-0.5] * 24 + [-1.0] * 24
    energy = home([1.0] * 96, battery)
    found = site_savings(energy, FLAT, energy.grid.range, Counterfactual.IDLE_STORAGE)

    assert found.saved.amount == Decimal(24)
    assert found.interval is not None
    assert found.interval.low < 24 + 8 < found.interval.high


def test_of_one_day_nobody_tells_how_days_differ() -> None:
    energy = home([1.0] * 24, [-0.5] * 23 + [NAN])
    found = site_savings(energy, FLAT, energy.grid.range, Counterfactual.IDLE_STORAGE)

    assert found.interval is None


def test_a_silent_site_hides_no_other_and_counts_against_the_coverage() -> None:
    talks, silent = home([1.0, 1.0], [0.0, 0.0]), home([NAN, NAN], [0.0, 0.0])
    energies = [zone_energy(ZoneId("de"), each) for each in (talks, silent)]
    (total,) = by_zone(energies)

    assert total.import_wh.values.tolist() == [1_000, 1_000]
    by = weights([each.import_wh for each in energies])
    assert weighted([1.0, 0.0], by) == 0.5


def test_what_a_generator_burns_is_scope_1_and_not_free_of_carbon() -> None:
    """Of 3 kWh used 1 is imported, 1.5 is burnt at 700 g/kWh, and half is the sun's."""
    burnt = Energy.of_net(Series(START, HOUR, np.array([-1_500.0, NAN])))
    generator = Fuelled(energy=burnt, emission_gco2e_per_kwh=700.0)
    energy = replace(
        home([1.0, 1.0], [0.0, 0.0]),
        generation=(burnt, Energy.of_net(Series(START, HOUR, np.array([-500.0, 0.0])))),
        fuelled=(generator,),
    )
    found = zone_energy(ZoneId("de"), energy)

    assert found.consumption_wh.values[0] == 3_000
    assert found.own_wh.values[0] == 500
    assert found.scope1_gco2e == pytest.approx(1_050)
    plain = zone_energy(ZoneId("de"), home([1.0, 1.0], [0.0, 0.0]))
    assert plain.scope1_gco2e is None
    assert by_zone([found, plain])[0].scope1_gco2e == pytest.approx(1_050)
