"""The five homes as the site model has them, and when the hours of the data set were."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, GroupId, SiteId, TariffId, ZoneId
from wattmesh_kernel.sites import (
    Asset,
    BatteryRating,
    Device,
    DeviceFunction,
    GridConnectionRating,
    LoadRating,
    MeterRole,
    MqttConnection,
    PlanningGoals,
    PvRating,
    Resource,
    Site,
    SiteGroup,
    SiteModel,
    SiteModelChange,
    SocPowerLimit,
)
from wattmesh_kernel.tariff import (
    WEEKDAYS,
    WEEKENDS,
    ClockRange,
    EnergyRates,
    Season,
    Tariff,
    TouPeriod,
    Window,
)
from wattmesh_kernel.time import to_utc

HOUR = timedelta(hours=1)
ZONE = "America/Los_Angeles"
PEAK_PV_W = (4_000.0, 4_000.0, 4_000.0, 5_000.0, 4_000.0)
GROUP = GroupId("neighbourhood")
EFFICIENCY = 0.9**0.5
"""Of each way: the data set gives the round trip."""

_FIRST = datetime(2016, 8, 1)  # noqa: DTZ001 (local wall clock)
_SUMMER = Season(start_month=6, end_month=9)
_WINTER = Season(start_month=10, end_month=5)
_EVENING = (ClockRange.hours(16, 21),)


@dataclass(frozen=True, kw_only=True, slots=True)
class UserSettings:
    """What a user can set: goals of the group, and what is known of the batteries."""

    goals: PlanningGoals = field(default_factory=PlanningGoals)
    peak_price_per_kw: float | None = None
    netted_billing: bool = False
    soc_power_limits: bool = False
    efficiency_ratio: float = EFFICIENCY


def start_of(hour: int) -> datetime:
    """Return when an hour of the data set began: its rows follow the local wall clock."""
    return to_utc((_FIRST + hour * HOUR).replace(tzinfo=ZoneInfo(ZONE)))


def site_ids() -> list[SiteId]:
    """Return the homes."""
    return [SiteId(f"home-{number}") for number in range(1, 1 + len(PEAK_PV_W))]


def asset_of(site: SiteId, name: str) -> AssetId:
    """Return an asset of a home."""
    return AssetId(site, name)


def site_model(settings: UserSettings) -> SiteModel:
    """Return all of it as one model."""
    resources: list[Resource] = [_tariff()]
    for site, peak_w in zip(site_ids(), PEAK_PV_W, strict=True):
        resources += _home(site, peak_w, settings)
    resources.append(_group(settings))
    return SiteModel().apply(SiteModelChange(revision=1, changed=tuple(resources)))


def _group(settings: UserSettings) -> SiteGroup:
    return SiteGroup(
        id=GROUP,
        sites=tuple(site_ids()),
        goals=settings.goals,
        peak_price_per_kw=settings.peak_price_per_kw,
        netted_billing=settings.netted_billing,
    )


def _home(site: SiteId, peak_w: float, settings: UserSettings) -> Sequence[Resource]:
    meter = DeviceFunction(
        asset=asset_of(site, "battery"), meter_role=MeterRole.MAIN, controls=True
    )
    return (
        Site(
            id=site,
            time_zone=ZONE,
            currency_code="USD",
            tariff=TariffId("tou"),
            carbon_zone=ZoneId("caiso"),
            latitude_degrees=34.1,
            longitude_degrees=-117.4,
        ),
        Asset(id=asset_of(site, "grid"), rating=GridConnectionRating()),
        Asset(id=asset_of(site, "load"), rating=LoadRating()),
        Asset(id=asset_of(site, "pv"), rating=PvRating(peak_power_w=peak_w)),
        Asset(id=asset_of(site, "battery"), rating=_battery(settings)),
        Device(
            id=DeviceId(site, "battery"),
            profile="battery",
            gateway=GatewayId("local"),
            connection=MqttConnection(address=f"{site.segment}/battery"),
            reporting_interval=timedelta(minutes=5),
            points=frozenset({"soc_ratio", "active_power_w"}),
            functions=(meter,),
        ),
    )


def _battery(settings: UserSettings) -> BatteryRating:
    limits = tuple(
        SocPowerLimit(soc_ratio=soc, max_charge_power_w=most, max_discharge_power_w=most)
        for soc, most in ((0.0, 5_000.0), (0.8, 5_000.0), (1.0, 1_000.0))
    )
    return BatteryRating(
        capacity_wh=6_400.0,
        max_charge_power_w=5_000.0,
        max_discharge_power_w=5_000.0,
        charge_efficiency_ratio=settings.efficiency_ratio,
        discharge_efficiency_ratio=settings.efficiency_ratio,
        soc_power_limits=limits if settings.soc_power_limits else (),
    )


def _tariff() -> Tariff:
    """Return the time-of-use tariff that the data set's prices follow; feeding in earns nothing."""
    periods = (
        ("summer evening", 0.54, Window(seasons=(_SUMMER,), days=WEEKDAYS, clock_ranges=_EVENING)),
        ("summer weekend", 0.40, Window(seasons=(_SUMMER,), days=WEEKENDS, clock_ranges=_EVENING)),
        ("evening", 0.50, Window(seasons=(_WINTER,), clock_ranges=_EVENING)),
        ("summer", 0.22, Window(seasons=(_SUMMER,))),
        ("rest", 0.21, Window()),
    )
    return Tariff(
        id=TariffId("tou"),
        currency_code="USD",
        import_rates=EnergyRates(
            tou_periods=tuple(
                TouPeriod(name=name, price_per_kwh=price, window=window)
                for name, price, window in periods
            )
        ),
    )
