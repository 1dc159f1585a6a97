"""A home with a heated zone, a tank and a washing machine, and what is known of them."""

from datetime import timedelta

from tests.fakes.planner_home import (
    GATEWAY,
    HOUR,
    START,
    asset_id,
    device_id,
    home,
)
from tests.fakes.planner_solving import SolvingOptimizer
from tests.fakes.planner_world import PlannerWorld
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    Asset,
    ComfortBand,
    CopPoint,
    DeferrableRating,
    Device,
    DeviceFunction,
    HeatPumpRating,
    HvacZoneRating,
    MeterRole,
    MqttConnection,
    Rating,
    Resource,
    TankRating,
    ZoneThermalModel,
)
from wattmesh_kernel.tariff import ClockRange, EnergyRates, Tariff, TouPeriod, Window
from wattmesh_planner.domain.kinds.kind import Reading
from wattmesh_planner.domain.plan import DeviceSchedule, Plan
from wattmesh_planner.domain.thermal import TankOutlook, ZoneOutlook

ZONE, TANK, WASHER = asset_id("zone"), asset_id("tank"), asset_id("washer")
NIGHT_IS_CHEAP = Tariff(
    id=TariffId("tou"),
    currency_code="EUR",
    import_rates=EnergyRates(
        tou_periods=(
            TouPeriod(
                name="night",
                price_per_kwh=0.1,
                window=Window(clock_ranges=(ClockRange.hours(0, 6),)),
            ),
            TouPeriod(name="day", price_per_kwh=0.4),
        )
    ),
)
PUMP = HeatPumpRating(
    max_power_w=3000.0, cop_points=(CopPoint(outdoor_temperature_celsius=0, cop_ratio=3.0),)
)
ZONE_RATING = HvacZoneRating(
    occupied_band=ComfortBand(min_temperature_celsius=20, max_temperature_celsius=23),
    unoccupied_band=ComfortBand(min_temperature_celsius=17, max_temperature_celsius=25),
    heating=PUMP,
)
TANK_RATING = TankRating(
    capacity_wh_per_k=230.0,
    min_temperature_celsius=45,
    max_temperature_celsius=60,
    loss_w_per_k=2.0,
    heater=PUMP,
)
WASHER_RATING = DeferrableRating(max_power_w=2000.0, min_power_w=2000.0, interruptible=False)
MODEL = ZoneThermalModel(air_capacity_wh_per_k=4000.0, air_outdoor_resistance_k_per_w=0.008)
KNOWN_ZONE = ZoneOutlook(
    reason="a day ahead it errs by 0.20 K",
    model=MODEL,
    heating_cop=PUMP.cop_points,
    outdoor_celsius=(2.0,) * 24,
    gains_w=(200.0,) * 24,
    powers_w=(500.0,) * 24,
)
UNKNOWN_ZONE = ZoneOutlook(reason="2 usable days, 5 are needed", powers_w=(500.0,) * 24)
KNOWN_TANK = TankOutlook(
    reason="the mean of 9 days",
    draws_w=tuple(1500.0 if hour in (5, 6) else 100.0 for hour in range(24)),
    outdoor_celsius=(2.0,) * 24,
)


POINTS = frozenset({"temperature_celsius", "active_power_w", "import_energy_wh"})


def thing(
    name: str, rating: Rating, *kinds: SetpointKind, points: frozenset[str] = POINTS
) -> list[Resource]:
    """An asset and the device that measures and controls it."""
    device = Device(
        id=device_id(name),
        profile=name,
        gateway=GATEWAY,
        connection=MqttConnection(address=name),
        reporting_interval=timedelta(minutes=5),
        points=points,
        functions=(
            DeviceFunction(
                asset=asset_id(name),
                meter_role=MeterRole.MAIN,
                controls=True,
                setpoint_kinds=frozenset(kinds),
            ),
        ),
    )
    return [Asset(id=asset_id(name), rating=rating), device]


async def heated_home(
    *, kinds: tuple[SetpointKind, ...] = (), washer_points: frozenset[str] = POINTS
) -> PlannerWorld:
    """A planner that really solves, of a home with all three; nights are cheap."""
    world = PlannerWorld(optimizer=SolvingOptimizer())
    everything = [
        *home(),
        *thing("zone", ZONE_RATING, *kinds),
        *thing("tank", TANK_RATING, *kinds),
        *thing("washer", WASHER_RATING, SetpointKind.ON_OFF, points=washer_points),
    ]
    await world.knows(*everything, NIGHT_IS_CHEAP)
    world.outlooks.by_asset = {ZONE: KNOWN_ZONE, TANK: KNOWN_TANK}
    tell(world, "zone", 21.0)
    tell(world, "tank", 52.0)
    return world


def tell(world: PlannerWorld, name: str, value: float, age: timedelta = HOUR / 2) -> None:
    """Have a device report a temperature."""
    world.meter.by_device[device_id(name)] = Reading(measure_time=START - age, value=value)


def schedule_of(plan: Plan, name: str) -> DeviceSchedule | None:
    """Return what an asset's device is told; None: nothing."""
    return next((each for each in plan.schedules if each.asset == asset_id(name)), None)


def said_of(plan: Plan, name: str) -> list[tuple[str, str, str]]:
    """Return topic, reason and remedy of what was said of an asset."""
    return [
        (each.topic.value, each.reason.value, each.remedy.value)
        for each in plan.degradations
        if each.subject == asset_id(name).name
    ]
