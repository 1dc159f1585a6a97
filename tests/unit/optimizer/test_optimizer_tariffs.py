"""Tariffs in the programme: peaks, tiers, clock changes, missing prices."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.unit.optimizer.sites import asset, cost, horizon_of, power, prices, problem, site, solve
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.tariff import (
    BillingState,
    ClockRange,
    CoincidentPeakCharge,
    DemandCharge,
    DemandPeak,
    EnergyRates,
    OpenAverage,
    Tariff,
    Tier,
    TieredRate,
    TouPeriod,
    Window,
)
from wattmesh_kernel.time import TimeRange
from wattmesh_optimizer.domain.electrical import FixedLoad
from wattmesh_optimizer.domain.horizon import Horizon
from wattmesh_optimizer.domain.plan import CostCause
from wattmesh_optimizer.domain.problem import Goals, SiteGroup
from wattmesh_optimizer.domain.site import CarbonIntensity, PowerLimits, Site
from wattmesh_optimizer.domain.storage import Battery

STORE = Battery(
    capacity_kwh=10, max_charge_power_kw=5, max_discharge_power_kw=5, initial_soc_ratio=0.5
)


def peaky(horizon: Horizon, tariff: Tariff, state: BillingState | None = None) -> Site:
    values = np.full(horizon.count, 1.0)
    values[horizon.count // 2] = 6.0
    return site(
        asset("load", FixedLoad(powers_kw=values)),
        asset("battery", STORE),
        tariff=tariff,
        billing_state=state,
    )


def demand(price: float, **more: object) -> DemandCharge:
    return DemandCharge(id="peak", price_per_kw=price, averaging=timedelta(minutes=15), **more)  # type: ignore[arg-type]


def test_a_demand_charge_is_shaved_flat() -> None:
    horizon = horizon_of(8, 15)
    tariff = prices(horizon, [0.2] * 8, demand_charges=(demand(10.0),))
    plan = solve(problem(horizon, peaky(horizon, tariff)))
    assert plan.sites[0].import_kw.max() < 1.01
    assert cost(plan, CostCause.DEMAND) == pytest.approx(10 * plan.sites[0].import_kw.max())


def test_a_peak_that_already_stands_is_free_to_use() -> None:
    horizon = horizon_of(8, 15)
    tariff = prices(horizon, [0.2] * 8, demand_charges=(demand(10.0),))
    month = datetime(2026, 3, 1, tzinfo=UTC)
    state = BillingState(
        as_of=horizon.start,
        demand_peaks=(DemandPeak(charge_id="peak", period_start=month, peak_kw=4.0),),
    )
    plan = solve(problem(horizon, peaky(horizon, tariff, state)))
    assert plan.sites[0].import_kw.max() <= 4.0 + 1e-6
    assert cost(plan, CostCause.DEMAND) == pytest.approx(0.0, abs=1e-9)


def test_an_average_that_began_before_the_horizon_counts_what_was_imported() -> None:
    """5 minutes at 9 kW are behind; the rest of the quarter hour can only dilute them."""
    start = datetime(2026, 3, 2, 12, 5, tzinfo=UTC)
    horizon = Horizon(start=start, resolution=timedelta(minutes=5), count=2)
    tariff = prices(horizon, [0.2] * 2, demand_charges=(demand(10.0),))
    open_average = OpenAverage(
        charge_id="peak", start=datetime(2026, 3, 2, 12, tzinfo=UTC), energy_kwh=0.75
    )
    state = BillingState(as_of=start, open_averages=(open_average,))
    load = FixedLoad(powers_kw=np.array([3.0, 0.0]))
    home = site(asset("load", load), tariff=tariff, billing_state=state)
    plan = solve(problem(horizon, home))
    assert cost(plan, CostCause.DEMAND) == pytest.approx(10 * (0.75 + 0.25) / 0.25)


def test_rising_tiers_are_linear_and_falling_ones_are_filled_in_order() -> None:
    horizon = horizon_of(2)
    for first, second in ((0.0, 0.2), (0.2, 0.0)):
        rate = TieredRate(
            id="steps",
            tiers=(
                Tier(price_per_kwh=first, from_kwh=0.5),
                Tier(price_per_kwh=second, from_kwh=2),
            ),
        )
        tariff = Tariff(
            id=TariffId("tiers"),
            currency_code="EUR",
            import_rates=EnergyRates(tiered_rates=(rate,)),
        )
        load = FixedLoad(powers_kw=np.array([3.0, 3.0]))
        plan = solve(problem(horizon, site(asset("load", load), tariff=tariff)))
        by_hand = 1.5 * first + 4 * second
        assert plan.total_cost == pytest.approx(by_hand, abs=1e-6)


def test_a_cap_on_paid_export_is_respected() -> None:
    horizon = horizon_of(2)
    cap = TieredRate(id="cap", tiers=(Tier(price_per_kwh=-0.1, from_kwh=3),))
    tariff = Tariff(
        id=TariffId("cap"),
        currency_code="EUR",
        import_rates=EnergyRates(base_per_kwh=0.3),
        export_rates=EnergyRates(base_per_kwh=0.1, tiered_rates=(cap,)),
    )
    plan = solve(problem(horizon, site(asset("battery", STORE), tariff=tariff)))
    assert cost(plan, CostCause.EXPORT_CREDIT) == pytest.approx(-0.3)


def test_time_of_use_follows_the_sites_clock_through_the_change_of_the_clock() -> None:
    """In Berlin the clocks go forward at 01:00 UTC on 29 March 2026: 4:00 local is 2:00 UTC."""
    horizon = Horizon(
        start=datetime(2026, 3, 28, 23, tzinfo=UTC), resolution=timedelta(hours=1), count=6
    )
    cheap = Window(clock_ranges=(ClockRange.hours(4, 5),))
    tariff = Tariff(
        id=TariffId("tou"),
        currency_code="EUR",
        import_rates=EnergyRates(
            tou_periods=(
                TouPeriod(name="cheap", price_per_kwh=0.1, window=cheap),
                TouPeriod(name="rest", price_per_kwh=0.4),
            )
        ),
    )
    store = Battery(
        capacity_kwh=2,
        max_charge_power_kw=5,
        max_discharge_power_kw=5,
        initial_soc_ratio=0.0,
        terminal_value_per_kwh=0.2,
    )
    plan = solve(problem(horizon, site(asset("b", store), tariff=tariff, zone="Europe/Berlin")))
    assert power(plan, "b").tolist() == pytest.approx([0, 0, 0, 2, 0, 0], abs=1e-6)


def test_coincident_peaks_are_avoided() -> None:
    horizon = horizon_of(2)
    event = TimeRange.of(horizon.start, timedelta(hours=1))
    charge = CoincidentPeakCharge(name="system", price_per_kw=30, events=(event,))
    tariff = prices(horizon, [0.2, 0.2], coincident_peak_charges=(charge,))
    load = FixedLoad(powers_kw=np.array([3.0, 3.0]))
    plan = solve(problem(horizon, site(asset("load", load), asset("b", STORE), tariff=tariff)))
    assert plan.sites[0].import_kw[0] == pytest.approx(0.0, abs=1e-6)


def test_a_missing_price_is_assumed_and_said() -> None:
    horizon = horizon_of(26)
    values = [0.1] * 24 + [float("nan")] * 2
    values[1] = 0.7
    load = FixedLoad(powers_kw=np.ones(26))
    plan = solve(problem(horizon, site(asset("load", load), tariff=prices(horizon, values))))
    assert plan.total_cost == pytest.approx(23 * 0.1 + 0.7 + 0.1 + 0.7)
    assert "2 of 26 import prices are missing" in plan.assumptions[0]


def test_a_shared_peak_costs_less_than_the_sum_of_peaks() -> None:
    horizon = horizon_of(2)
    first = Site(
        name="sites/a",
        assets=(asset("load-a", FixedLoad(powers_kw=np.array([4.0, 0.0]))),),
    )
    second = Site(
        name="sites/b",
        assets=(asset("load-b", FixedLoad(powers_kw=np.array([0.0, 4.0]))), asset("b", STORE)),
    )
    group = SiteGroup(
        name="groups/g",
        site_names=("sites/a", "sites/b"),
        peak_price_per_kw=2.0,
        peak_so_far_kw=1.0,
    )
    plan = solve(problem(horizon, first, second, groups=(group,)))
    assert plan.groups[0].peak_kw == pytest.approx(1.5)
    assert cost(plan, CostCause.PEAK) == pytest.approx(1.0)


def test_a_group_limit_binds_the_sum_not_the_sites() -> None:
    horizon = horizon_of(1)
    sites = tuple(
        Site(
            name=f"sites/{name}",
            assets=(asset(f"load-{name}", FixedLoad(powers_kw=np.array([4.0]))), *more),
        )
        for name, more in (("a", ()), ("b", (asset("b", STORE),)))
    )
    group = SiteGroup(
        name="groups/g",
        site_names=("sites/a", "sites/b"),
        limits=PowerLimits(max_import_power_kw=5.0),
    )
    plan = solve(problem(horizon, *sites, groups=(group,)))
    assert plan.groups[0].powers_kw[0] <= 5.0 + 1e-6
    assert plan.unmet_requirements == ()


def test_carbon_shifts_import_to_clean_hours() -> None:
    horizon = horizon_of(2)
    carbon = CarbonIntensity(average_gco2e_per_kwh=np.array([100.0, 500.0]))
    empty = Battery(
        capacity_kwh=10, max_charge_power_kw=5, max_discharge_power_kw=5, initial_soc_ratio=0.0
    )
    home = site(
        asset("load", FixedLoad(powers_kw=np.array([0.0, 2.0]))),
        asset("b", empty),
        tariff=prices(horizon, [0.2, 0.2]),
        carbon=carbon,
    )
    plan = solve(problem(horizon, home, goals=Goals(carbon_price_per_kg=0.1)))
    assert plan.sites[0].import_kw.tolist() == pytest.approx([2.0, 0.0])
    assert plan.sites[0].average_emissions_kg == pytest.approx(0.2)
    assert cost(plan, CostCause.CARBON) == pytest.approx(0.02)
