"""Random optimisation problems: every asset, tariff, limit and goal, feasible or not."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.random import Generator as Random

from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import Phase
from wattmesh_kernel.tariff import (
    BillingState,
    ChargeInterval,
    ClockRange,
    CoincidentPeakCharge,
    DemandCharge,
    EnergyDirection,
    EnergyRates,
    FixedCharge,
    PowerLimit,
    Ratchet,
    RealTimePrice,
    Tariff,
    Tier,
    TieredRate,
    TouPeriod,
    Window,
)
from wattmesh_kernel.time import TimeRange
from wattmesh_optimizer.domain.deferrable import DeferrableLoad, InterruptibleRun, ProfileRun
from wattmesh_optimizer.domain.electrical import (
    FixedLoad,
    Generator,
    OnOffState,
    RenewableSource,
)
from wattmesh_optimizer.domain.horizon import Horizon
from wattmesh_optimizer.domain.problem import (
    CarbonBasis,
    DemandResponseEvent,
    EventPrice,
    Goals,
    PaidReduction,
    Problem,
    Reserve,
    ReserveDirection,
    SiteGroup,
)
from wattmesh_optimizer.domain.site import (
    Asset,
    AssetKind,
    CarbonIntensity,
    IslandingReserve,
    Node,
    PowerLimits,
    Site,
)
from wattmesh_optimizer.domain.storage import (
    Battery,
    EarlyDeparture,
    EvCharger,
    EvSession,
    SocPowerLimit,
)
from wattmesh_optimizer.domain.thermal import ComfortBand, HeatPump, HvacZone, ThermalTank

ZONES = ("Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata", "UTC")
STARTS = (
    datetime(2026, 3, 28, 22, tzinfo=UTC),  # Berlin's clocks change in the night
    datetime(2026, 7, 14, 7, tzinfo=UTC),
    datetime(2026, 10, 24, 20, tzinfo=UTC),
    datetime(2026, 11, 30, 18, tzinfo=UTC),  # across a billing period
)


def chance(random: Random, probability: float) -> bool:
    return bool(random.random() < probability)


def random_horizon(random: Random) -> Horizon:
    minutes = int(random.choice([15, 15, 30, 60]))
    count = int(random.integers(1, 25))
    start = STARTS[int(random.integers(len(STARTS)))] + int(random.integers(0, 8)) * timedelta(
        minutes=15 if minutes == 15 else 60
    )
    return Horizon(start=start, resolution=timedelta(minutes=minutes), count=count)


def random_tariff(random: Random, horizon: Horizon, *, negative: bool = True) -> Tariff:
    def rate(low: float, high: float) -> float:
        return float(random.uniform(low, high))

    low = -0.2 if negative and chance(random, 0.3) else 0.05
    peak = Window(clock_ranges=(ClockRange.hours(16, 21),))
    real_time = None
    if chance(random, 0.4):
        prices = random.uniform(low, 0.5, horizon.count)
        real_time = RealTimePrice(
            published=Series(horizon.start, horizon.resolution, prices), multiplier=1.1
        )
    tiers: tuple[TieredRate, ...] = ()
    if chance(random, 0.25):
        steps = sorted(random.uniform(0, 30, 2))
        prices = random.uniform(-0.05, 0.2, 2)
        if chance(random, 0.5):
            prices = np.sort(prices)
        tiers = (
            TieredRate(
                id="steps",
                tiers=tuple(
                    Tier(price_per_kwh=float(price), from_kwh=float(step))
                    for step, price in zip(steps, prices, strict=True)
                ),
            ),
        )
    caps: tuple[TieredRate, ...] = ()
    feed_in = rate(-0.02, 0.12)
    if chance(random, 0.15):
        tier = Tier(price_per_kwh=-abs(feed_in), from_kwh=rate(0, 10))
        caps = (TieredRate(id="cap", tiers=(tier,)),)
    demands: list[DemandCharge] = []
    if chance(random, 0.4):
        averaging = timedelta(minutes=15)
        demands.append(
            DemandCharge(
                id="any-time",
                price_per_kw=rate(0, 12),
                averaging=averaging,
                minimum_kw=rate(0, 1) if chance(random, 0.3) else 0.0,
                ratchet=Ratchet(share_ratio=0.8, lookback=3) if chance(random, 0.4) else None,
            )
        )
        if chance(random, 0.4):
            demands.append(
                DemandCharge(
                    id="peak-hours",
                    price_per_kw=rate(0, 20),
                    window=peak,
                    averaging=averaging,
                    interval=ChargeInterval.DAY,
                )
            )
    coincident: tuple[CoincidentPeakCharge, ...] = ()
    if chance(random, 0.2):
        event = TimeRange.of(horizon.start, horizon.resolution)
        coincident = (CoincidentPeakCharge(name="system peak", price_per_kw=3.0, events=(event,)),)
    limits: tuple[PowerLimit, ...] = ()
    if chance(random, 0.2):
        limits = (
            PowerLimit(direction=EnergyDirection.EXPORT, max_power_w=rate(0, 4000), window=peak),
        )
    return Tariff(
        id=TariffId("random"),
        currency_code="EUR",
        import_rates=EnergyRates(
            base_per_kwh=rate(0, 0.1),
            tou_periods=(
                TouPeriod(name="peak", price_per_kwh=rate(low, 0.6), window=peak),
                TouPeriod(name="rest", price_per_kwh=rate(low, 0.3)),
            )
            if real_time is None
            else (),
            real_time=real_time,
            tiered_rates=tiers,
        ),
        export_rates=EnergyRates(base_per_kwh=feed_in, tiered_rates=caps),
        fixed_charges=(FixedCharge(name="meter", amount=0.5),) if chance(random, 0.3) else (),
        demand_charges=tuple(demands),
        coincident_peak_charges=coincident,
        power_limits=limits,
    )


def random_load(random: Random, count: int) -> FixedLoad:
    powers = random.uniform(0, 4, count)
    critical = powers * random.uniform(0, 1) if chance(random, 0.4) else None
    return FixedLoad(powers_kw=powers, critical_powers_kw=critical)


def random_renewable(random: Random, count: int) -> RenewableSource:
    powers = -np.maximum(0.0, random.uniform(-3, 6, count))
    price = 0.02 if chance(random, 0.2) else 0.0
    return RenewableSource(
        powers_kw=powers, curtailable=chance(random, 0.7), curtailment_price_per_kwh=price
    )


def random_battery(random: Random) -> Battery:
    power = float(random.uniform(0, 6))
    points: tuple[SocPowerLimit, ...] = ()
    if chance(random, 0.2):
        middle = power if chance(random, 0.7) else power * 0.3
        points = (
            SocPowerLimit(
                soc_ratio=0.2, max_charge_power_kw=power, max_discharge_power_kw=power / 2
            ),
            SocPowerLimit(soc_ratio=0.8, max_charge_power_kw=middle, max_discharge_power_kw=power),
            SocPowerLimit(
                soc_ratio=1.0, max_charge_power_kw=power / 4, max_discharge_power_kw=power
            ),
        )
    return Battery(
        capacity_kwh=float(random.uniform(1, 20)),
        max_charge_power_kw=power,
        max_discharge_power_kw=float(random.uniform(0, 6)),
        initial_soc_ratio=float(random.uniform(0, 1)) if chance(random, 0.9) else None,
        min_soc_ratio=float(random.choice([0.0, 0.1, 0.2])),
        max_soc_ratio=float(random.choice([0.9, 1.0])),
        charge_efficiency_ratio=float(random.choice([1.0, 0.95, 0.9])),
        discharge_efficiency_ratio=float(random.choice([1.0, 0.95, 0.9])),
        self_discharge_ratio_per_hour=float(random.choice([0.0, 0.0, 0.001])),
        terminal_value_per_kwh=float(random.choice([0.0, 0.1, 0.2])),
        final_soc_ratio=float(random.uniform(0, 1)) if chance(random, 0.3) else None,
        wear_cost_per_kwh=float(random.choice([0.0, 0.01])),
        min_charge_power_kw=power / 3 if chance(random, 0.1) else 0.0,
        soc_power_limits=points,
    )


def random_ev(random: Random, horizon: Horizon, label: str) -> EvCharger:
    arrival = horizon.start + float(random.uniform(-2, 0.7 * horizon.count)) * horizon.resolution
    stay = float(random.uniform(0.5, horizon.count + 3)) * horizon.resolution
    by_energy = chance(random, 0.5)
    session = EvSession(
        id=label,
        arrival=arrival,
        departure=arrival + stay,
        capacity_kwh=float(random.uniform(20, 80)),
        initial_soc_ratio=float(random.uniform(0, 1)) if chance(random, 0.8) else None,
        target_energy_kwh=float(random.uniform(0, 60)) if by_energy else None,
        target_soc_ratio=None if by_energy else float(random.uniform(0, 1)),
        min_soc_ratio=0.1 if chance(random, 0.5) else 0.0,
        wear_cost_per_kwh=0.02,
        terminal_value_per_kwh=0.05 if chance(random, 0.3) else 0.0,
        early_departures=random_departures(random, arrival, stay) if chance(random, 0.4) else (),
        early_departure_price_per_kwh=2.0 if chance(random, 0.5) else None,
    )
    return EvCharger(
        max_current_a=float(random.choice([10, 16, 32])),
        min_current_a=6.0 if chance(random, 0.4) else 0.0,
        max_discharge_power_kw=3.0 if chance(random, 0.3) else 0.0,
        charge_efficiency_ratio=0.93,
        discharge_efficiency_ratio=0.93,
        sessions=(session,),
    )


def random_departures(
    random: Random, arrival: datetime, stay: timedelta
) -> tuple[EarlyDeparture, ...]:
    ratios = np.sort(random.uniform(0, 1, 4)).tolist()
    return tuple(
        EarlyDeparture(time=arrival + stay * part / 4, ratio=ratio)
        for part, ratio in enumerate(ratios)
    )


def random_pump(random: Random) -> HeatPump:
    return HeatPump(
        max_power_kw=float(random.uniform(0.5, 4)),
        cop_points=((-10.0, 2.0), (10.0, 4.0)),
        min_power_kw=0.4 if chance(random, 0.2) else 0.0,
    )


def random_zone(random: Random, count: int) -> HvacZone:
    second = chance(random, 0.5)
    return HvacZone(
        air_capacity_kwh_per_k=float(random.uniform(0.3, 3)),
        air_outdoor_resistance_k_per_kw=float(random.uniform(3, 10)),
        mass_capacity_kwh_per_k=float(random.uniform(2, 10)) if second else None,
        air_mass_resistance_k_per_kw=float(random.uniform(0.5, 2)) if second else None,
        initial_air_temperature_celsius=float(random.uniform(15, 25)),
        outdoor_temperatures_celsius=random.uniform(-10, 35, count),
        heat_gains_kw=random.uniform(0, 1, count) if chance(random, 0.5) else None,
        heating=random_pump(random) if chance(random, 0.8) else None,
        cooling=random_pump(random) if chance(random, 0.5) else None,
        occupied_band=ComfortBand(min_temperature_celsius=20, max_temperature_celsius=24),
        unoccupied_band=ComfortBand(min_temperature_celsius=16, max_temperature_celsius=28),
        occupancy_ratios=random.uniform(0, 1, count) if chance(random, 0.5) else None,
    )


def random_tank(random: Random, count: int) -> ThermalTank:
    return ThermalTank(
        capacity_kwh_per_k=float(random.uniform(0.1, 0.4)),
        initial_temperature_celsius=float(random.uniform(40, 62)),
        min_temperature_celsius=45,
        max_temperature_celsius=60,
        heater=random_pump(random),
        draw_heats_kw=np.maximum(0, random.uniform(-3, 3, count)),
        loss_kw_per_k=float(random.choice([0.0, 0.002])),
        outdoor_temperatures_celsius=random.uniform(-5, 15, count),
        terminal_value_per_kwh=float(random.choice([0.0, 0.05])),
    )


def random_state(random: Random, horizon: Horizon) -> OnOffState:
    duration = int(random.integers(0, 4)) * horizon.resolution
    return OnOffState(on=chance(random, 0.4), duration=duration)


def random_deferrable(random: Random, horizon: Horizon) -> DeferrableLoad:
    step, count = horizon.resolution, horizon.count
    first = int(random.integers(-1, count))
    last = first + int(random.integers(1, count + 3))
    run: ProfileRun | InterruptibleRun
    if chance(random, 0.5):
        size = int(random.integers(1, 5))
        run = ProfileRun(
            powers_kw=random.uniform(0.2, 2, size),
            elapsed_count=int(random.integers(0, size)) if chance(random, 0.2) else 0,
        )
    else:
        times = chance(random, 0.3)
        power = float(random.uniform(1, 3))
        run = InterruptibleRun(
            energy_kwh=float(random.uniform(0, 5)),
            max_power_kw=power,
            min_power_kw=float(random.choice([0.0, 0.5, 1.0])) * power,
            min_on_duration=2 * step if times else timedelta(0),
            min_off_duration=2 * step if times else timedelta(0),
            initial_state=random_state(random, horizon),
        )
    return DeferrableLoad(
        run=run,
        earliest_start=horizon.start + first * step if chance(random, 0.7) else None,
        latest_end=horizon.start + last * step if chance(random, 0.7) else None,
    )


def random_generator(random: Random, horizon: Horizon) -> Generator:
    power = float(random.uniform(2, 6))
    committed = chance(random, 0.6)
    return Generator(
        max_output_power_kw=power,
        min_output_power_kw=power * 0.4 if committed else 0.0,
        start_cost=0.3 if committed else 0.0,
        fuel_cost_per_kwh=float(random.uniform(0.1, 0.4)),
        running_cost_per_hour=0.05 if committed else 0.0,
        min_up_duration=2 * horizon.resolution if committed else timedelta(0),
        min_down_duration=2 * horizon.resolution if committed else timedelta(0),
        initial_state=random_state(random, horizon),
        emission_gco2e_per_kwh=600,
    )


def random_assets(random: Random, horizon: Horizon, site: str, nodes: list[str]) -> list[Asset]:
    count = horizon.count
    kinds: list[tuple[str, AssetKind]] = [("load", random_load(random, count))]
    if chance(random, 0.6):
        kinds.append(("pv", random_renewable(random, count)))
    if chance(random, 0.7):
        kinds.append(("battery", random_battery(random)))
    if chance(random, 0.4):
        kinds.append(("ev", random_ev(random, horizon, f"{site}-ev")))
    if chance(random, 0.3):
        kinds.append(("zone", random_zone(random, count)))
    if chance(random, 0.3):
        kinds.append(("tank", random_tank(random, count)))
    if chance(random, 0.3):
        kinds.append(("washer", random_deferrable(random, horizon)))
    if chance(random, 0.2):
        kinds.append(("generator", random_generator(random, horizon)))
    phases = (Phase.THREE, Phase.L1, Phase.L2, Phase.L3)
    return [
        Asset(
            name=f"sites/{site}/assets/{name}",
            kind=kind,
            node_id=str(random.choice(["", *nodes])),
            phase=phases[int(random.integers(4))],
        )
        for name, kind in kinds
    ]


def random_limits(random: Random, count: int) -> PowerLimits:
    return PowerLimits(
        max_import_power_kw=float(random.uniform(0, 8)) if chance(random, 0.4) else None,
        max_export_power_kw=float(random.uniform(0, 5)) if chance(random, 0.4) else None,
        max_import_powers_kw=random.uniform(2, 8, count) if chance(random, 0.1) else None,
        max_phase_import_power_kw=2.5 if chance(random, 0.2) else None,
        max_phase_export_power_kw=2.5 if chance(random, 0.1) else None,
    )


def random_site(random: Random, horizon: Horizon, name: str) -> Site:
    nodes: list[Node] = []
    if chance(random, 0.3):
        nodes.append(Node(id="feeder", limits=random_limits(random, horizon.count)))
        if chance(random, 0.5):
            loss = 0.96 if chance(random, 0.5) else 1.0
            nodes.append(
                Node(
                    id="inverter",
                    parent_id="feeder",
                    limits=PowerLimits(max_import_power_kw=4.0, max_export_power_kw=4.0),
                    import_efficiency_ratio=loss,
                    export_efficiency_ratio=loss,
                )
            )
    islanded: tuple[TimeRange, ...] = ()
    if chance(random, 0.15):
        start = horizon.time(int(random.integers(0, horizon.count)))
        islanded = (TimeRange.of(start, 3 * horizon.resolution),)
    reserve = IslandingReserve(duration=2 * horizon.resolution, percentile_ratio=0.9)
    return Site(
        name=f"sites/{name}",
        zone=ZoneInfo(str(random.choice(ZONES))),
        assets=tuple(random_assets(random, horizon, name, [node.id for node in nodes])),
        nodes=tuple(nodes),
        tariff=random_tariff(random, horizon) if chance(random, 0.95) else None,
        billing_state=BillingState(as_of=horizon.start) if chance(random, 0.3) else None,
        limits=random_limits(random, horizon.count) if chance(random, 0.4) else PowerLimits(),
        carbon=CarbonIntensity(
            average_gco2e_per_kwh=random.uniform(50, 600, horizon.count),
            marginal_gco2e_per_kwh=random.uniform(50, 900, horizon.count),
        )
        if chance(random, 0.4)
        else None,
        islanding_reserve=reserve if chance(random, 0.15) else None,
        islanded_ranges=islanded,
    )


RANDOM_FEEDER = Node(
    id="feeder",
    limits=PowerLimits(max_import_power_kw=3.0, max_phase_import_power_kw=2.0),
    import_efficiency_ratio=0.98,
    export_efficiency_ratio=0.98,
)


def random_problem(seed: int) -> Problem:
    """Return the problem of a seed; the same seed gives the same problem."""
    random = np.random.default_rng(seed)
    horizon = random_horizon(random)
    names = ["a", "b", "c"][: int(random.choice([1, 1, 2, 3]))]
    sites = tuple(random_site(random, horizon, name) for name in names)
    everyone = tuple(site.name for site in sites)
    known = any(site.carbon is not None for site in sites)
    groups: tuple[SiteGroup, ...] = ()
    if chance(random, 0.4):
        groups = (
            SiteGroup(
                name="groups/all",
                site_names=everyone,
                limits=random_limits(random, horizon.count),
                peak_price_per_kw=float(random.choice([0.0, 2.0])),
                peak_so_far_kw=float(random.choice([0.0, 3.0])),
                ramp_price_per_kw=(None, 0.0, 0.05)[seed % 3],
                nodes=(RANDOM_FEEDER,) if seed % 2 else (),
                site_node_ids={everyone[0]: RANDOM_FEEDER.id} if seed % 2 else {},
            ),
        )
    return Problem(
        horizon=horizon,
        currency_code="EUR",
        sites=sites,
        groups=groups,
        goals=Goals(
            peak_price_per_kw=float(random.choice([0.0, 0.0, 1.0])),
            carbon_price_per_kg=float(random.choice([0.0, 0.0, 0.1])) * known,
            carbon_basis=CarbonBasis.MARGINAL if chance(random, 0.5) else CarbonBasis.AVERAGE,
            export_price_per_kwh=float(random.choice([0.0, 0.0, 0.05])),
            comfort_weight=float(random.choice([1.0, 2.0])),
            wear_weight=float(random.choice([1.0, 0.5])),
            ramp_price_per_kw=0.02 * (seed % 5 == 0),
        ),
        events=random_events(random, horizon),
        reserves=random_reserves(random, horizon),
    )


def random_events(random: Random, horizon: Horizon) -> tuple[DemandResponseEvent, ...]:
    if not chance(random, 0.3):
        return ()
    start = horizon.time(int(random.integers(0, horizon.count)))
    span = TimeRange.of(start, 2 * horizon.resolution)
    kind: PowerLimits | EventPrice | PaidReduction
    choice = int(random.integers(3))
    if choice == 0:
        kind = PowerLimits(max_import_power_kw=float(random.uniform(0, 4)), limit_price_per_kwh=50)
    elif choice == 1:
        kind = EventPrice(import_adder_per_kwh=0.5, export_adder_per_kwh=0.3)
    else:
        kind = PaidReduction(
            baseline_kw=random.uniform(0, 6, horizon.count),
            price_per_kwh=0.4,
            max_power_kw=3.0 if chance(random, 0.5) else None,
            power_deviation_kw=0.5,
        )
    return (DemandResponseEvent(id="event", range=span, kind=kind),)


def random_reserves(random: Random, horizon: Horizon) -> tuple[Reserve, ...]:
    if not chance(random, 0.3):
        return ()
    start = horizon.time(int(random.integers(0, horizon.count)))
    return (
        Reserve(
            id="reserve",
            range=TimeRange.of(start, 3 * horizon.resolution),
            direction=ReserveDirection.UP if chance(random, 0.5) else ReserveDirection.DOWN,
            power_kw=float(random.uniform(0, 6)),
            activation_duration=timedelta(minutes=30),
            price_per_kw_hour=0.1,
            shortfall_price_per_kw_hour=float(random.choice([0.0, 10.0])),
        ),
    )
