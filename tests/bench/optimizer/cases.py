"""The problems that are measured; each as hard as a real site makes it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import (
    ClockRange,
    DemandCharge,
    EnergyRates,
    RealTimePrice,
    Tariff,
    TouPeriod,
    Window,
)
from wattmesh_optimizer.domain.electrical import FixedLoad, RenewableSource
from wattmesh_optimizer.domain.horizon import Horizon
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.site import Asset, PowerLimits, Site
from wattmesh_optimizer.domain.storage import Battery, EvCharger, EvSession
from wattmesh_optimizer.domain.thermal import ComfortBand, HeatPump, HvacZone

START = datetime(2026, 3, 2, 23, tzinfo=UTC)
SITE = "sites/bench"
PEAK = Window(clock_ranges=(ClockRange.hours(16, 21),))


def horizon_of(hours: int, minutes: int) -> Horizon:
    """Return a horizon from local midnight on."""
    return Horizon(start=START, resolution=timedelta(minutes=minutes), count=hours * 60 // minutes)


def tariff(horizon: Horizon, *, demand: bool = False, negative: bool = False) -> Tariff:
    """Return a dynamic price on top of a time-of-use fee, as in Germany."""
    hours = np.arange(round(horizon.count * horizon.hours))
    random = np.random.default_rng(7)
    prices = (
        0.10 + 0.06 * np.sin((hours - 13) / 12 * 2 * np.pi) + random.uniform(0, 0.02, len(hours))
    )
    if negative:
        prices[(hours % 24 >= 11) & (hours % 24 < 15)] = -0.30
    charge = DemandCharge(id="peak", price_per_kw=8.0, averaging=timedelta(minutes=15))
    return Tariff(
        id=TariffId("bench"),
        currency_code="EUR",
        import_rates=EnergyRates(
            tou_periods=(
                TouPeriod(name="peak", price_per_kwh=0.16, window=PEAK),
                TouPeriod(name="rest", price_per_kwh=0.10),
            ),
            real_time=RealTimePrice(
                published=Series(horizon.start, timedelta(hours=1), prices), multiplier=1.19
            ),
        ),
        export_rates=EnergyRates(base_per_kwh=0.08),
        demand_charges=(charge,) if demand else (),
    )


def load_and_pv(horizon: Horizon) -> tuple[Asset, Asset]:
    """Return a household's load and 6 kWp of PV."""
    clock = (np.arange(horizon.count) * horizon.hours) % 24
    random = np.random.default_rng(3)
    load = 0.3 + 1.6 * np.exp(-(((clock - 19) / 2) ** 2)) + 0.8 * np.exp(-(((clock - 7) / 1) ** 2))
    load += random.uniform(0, 0.3, horizon.count)
    pv = np.maximum(0.0, 4.5 * np.sin((clock - 6) / 12 * np.pi))
    pv *= random.uniform(0.7, 1.0, horizon.count)
    return (
        Asset(name=f"{SITE}/assets/load", kind=FixedLoad(powers_kw=load)),
        Asset(name=f"{SITE}/assets/pv", kind=RenewableSource(powers_kw=-pv)),
    )


def battery(number: int = 0) -> Asset:
    """Return a home battery of about 10 kWh."""
    kind = Battery(
        capacity_kwh=10.0 + number,
        max_charge_power_kw=5.0,
        max_discharge_power_kw=5.0,
        initial_soc_ratio=0.5,
        min_soc_ratio=0.1,
        charge_efficiency_ratio=0.95,
        discharge_efficiency_ratio=0.95,
        wear_cost_per_kwh=0.01,
        terminal_value_per_kwh=0.15,
    )
    return Asset(name=f"{SITE}/assets/battery-{number}", kind=kind)


def ev(horizon: Horizon, number: int = 0, days: int = 1) -> Asset:
    """Return an 11 kW charge point that is visited every evening."""
    sessions = tuple(
        EvSession(
            id=f"ev{number}-{day}",
            arrival=horizon.start + timedelta(days=day, hours=15 + number % 5),
            departure=horizon.start + timedelta(days=day, hours=23, minutes=30),
            capacity_kwh=60.0,
            initial_soc_ratio=0.3,
            target_energy_kwh=18.0 + number % 4,
        )
        for day in range(days)
    )
    return Asset(
        name=f"{SITE}/assets/ev-{number}", kind=EvCharger(max_current_a=16.0, sessions=sessions)
    )


def zone(horizon: Horizon, number: int) -> Asset:
    """Return a zone of second order with a heat pump."""
    clock = (np.arange(horizon.count) * horizon.hours) % 24
    kind = HvacZone(
        air_capacity_kwh_per_k=0.4 + 0.1 * number,
        air_outdoor_resistance_k_per_kw=6.0,
        mass_capacity_kwh_per_k=4.0,
        air_mass_resistance_k_per_kw=0.8,
        initial_air_temperature_celsius=20.5,
        outdoor_temperatures_celsius=3.0 + 4.0 * np.sin((clock - 9) / 12 * np.pi),
        heat_gains_kw=0.2 * np.exp(-(((clock - 13) / 3) ** 2)),
        heating=HeatPump(max_power_kw=2.0, cop_points=((-10.0, 2.2), (0.0, 3.0), (10.0, 4.2))),
        occupied_band=ComfortBand(min_temperature_celsius=20.0, max_temperature_celsius=23.0),
        unoccupied_band=ComfortBand(min_temperature_celsius=17.0, max_temperature_celsius=25.0),
        occupancy_ratios=np.where((clock >= 7) & (clock < 22), 1.0, 0.0),
    )
    return Asset(name=f"{SITE}/assets/zone-{number}", kind=kind)


def problem(
    horizon: Horizon,
    assets: tuple[Asset, ...],
    import_limit_kw: float,
    *,
    demand: bool = False,
    negative: bool = False,
) -> Problem:
    """Return a site with load, PV and `assets` behind an import limit."""
    site = Site(
        name=SITE,
        zone=ZoneInfo("Europe/Berlin"),
        assets=(*load_and_pv(horizon), *assets),
        tariff=tariff(horizon, demand=demand, negative=negative),
        limits=PowerLimits(max_import_power_kw=import_limit_kw),
    )
    return Problem(horizon=horizon, currency_code="EUR", sites=(site,))


def home(hours: int, minutes: int, *, demand: bool = False, negative: bool = False) -> Problem:
    """Return the common case: PV, battery, EV and import limit."""
    horizon = horizon_of(hours, minutes)
    assets = (battery(), ev(horizon, days=max(1, hours // 24)))
    return problem(horizon, assets, 9.0, demand=demand, negative=negative)


def depot() -> Problem:
    """Return 10 batteries and 20 vehicles."""
    horizon = horizon_of(24, 15)
    assets = (*(battery(n) for n in range(10)), *(ev(horizon, n) for n in range(20)))
    return problem(horizon, assets, 90.0)


def hvac() -> Problem:
    """Return 5 zones and a battery."""
    horizon = horizon_of(24, 15)
    return problem(horizon, (battery(), *(zone(horizon, n) for n in range(5))), 9.0)


CASES: dict[str, tuple[Callable[[], Problem], float, float]] = {
    "24h_15min": (lambda: home(24, 15), 10, 1),
    "24h_5min": (lambda: home(24, 5), 25, 1),
    "24h_15min_demand_charge": (lambda: home(24, 15, demand=True), 15, 1),
    "7d_15min": (lambda: home(168, 15), 40, 1),
    "24h_15min_10_batteries_20_evs": (depot, 120, 1),
    "24h_15min_negative_prices": (lambda: home(24, 15, negative=True), 150, 1),
    "24h_15min_hvac_5_zones": (hvac, 40, 1),
}
"""Builder, goals of CPU time [ms] and ratio to a bare solve."""
