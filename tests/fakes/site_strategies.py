"""Hypothesis strategies of random sites, assets, devices and groups, for laws that hold for all."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from hypothesis import strategies as st

from tests.fakes.tariff_strategies import tariffs
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, GroupId, SiteId, TariffId, ZoneId
from wattmesh_kernel.quantities import QUANTITIES
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    Asset,
    BatteryRating,
    ComfortBand,
    Connection,
    CopPoint,
    CustomConnection,
    DeferrableRating,
    Device,
    DeviceFunction,
    EvChargerRating,
    GeneratorRating,
    GridConnectionRating,
    HeatPumpRating,
    HvacZoneRating,
    LoadRating,
    MeterRole,
    Microgrid,
    ModbusTcpConnection,
    MqttConnection,
    Node,
    OcppConnection,
    Phase,
    PlanningGoals,
    PowerCurvePoint,
    PublishedPrices,
    PvRating,
    Rating,
    Resource,
    Site,
    SiteGroup,
    SiteModelChange,
    SocPowerLimit,
    TankRating,
    WindRating,
    ZoneThermalModel,
)
from wattmesh_kernel.time import TimeRange

V = TypeVar("V")

segments = st.from_regex(r"[a-z0-9]([a-z0-9_-]{0,8}[a-z0-9])?", fullmatch=True)
display_names = st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=20)
site_ids = st.builds(SiteId, segments)
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata"])
currencies = st.sampled_from(["EUR", "USD", "GBP"])
moments = st.datetimes(
    datetime(2000, 1, 1),  # noqa: DTZ001 (hypothesis takes naive bounds)
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)

positive = st.floats(1e-3, 1e9)
magnitudes = st.floats(0, 1e9)
ratios = st.floats(0, 1)
efficiencies = st.floats(1e-3, 1)
temperatures = st.floats(-50, 90)
durations = st.timedeltas(timedelta(0), timedelta(days=2))


def maybe(values: st.SearchStrategy[V]) -> st.SearchStrategy[V | None]:
    """Return a strategy of values that may be missing."""
    return st.none() | values


def ordered(values: st.SearchStrategy[float]) -> st.SearchStrategy[tuple[float, float]]:
    """Return a strategy of a smaller and a larger value."""
    return st.tuples(values, values).map(lambda pair: (min(pair), max(pair)))


def rising(
    values: st.SearchStrategy[float], least: int = 0
) -> st.SearchStrategy[tuple[float, ...]]:
    """Return a strategy of a few values, each above the one before."""
    return st.lists(values, min_size=least, max_size=4, unique=True).map(lambda v: tuple(sorted(v)))


grid_connections = st.builds(
    GridConnectionRating,
    max_import_power_w=maybe(magnitudes),
    max_export_power_w=maybe(magnitudes),
    max_phase_import_power_w=maybe(magnitudes),
    max_phase_export_power_w=maybe(magnitudes),
)
loads = st.builds(LoadRating, derived=st.booleans(), critical_ratio=ratios) | st.builds(
    LoadRating, informational=st.booleans()
)


@st.composite
def pv_arrays(draw: st.DrawFn) -> PvRating:
    """Solar plants, with and without what is known of inverter and orientation."""
    peak, output = draw(positive), draw(maybe(positive))
    return PvRating(
        peak_power_w=peak,
        max_output_power_w=output,
        max_apparent_power_va=draw(maybe(st.floats(1, 2).map(lambda x: x * (output or peak)))),
        tilt_degrees=draw(maybe(st.floats(0, 90))),
        azimuth_degrees=draw(maybe(st.floats(0, 360))),
        curtailable=draw(st.booleans()),
    )


@st.composite
def wind_turbines(draw: st.DrawFn) -> WindRating:
    """Wind turbines, with and without a power curve."""
    return WindRating(
        max_output_power_w=draw(positive),
        hub_height_m=draw(maybe(positive)),
        rotor_diameter_m=draw(maybe(positive)),
        power_curve=tuple(
            PowerCurvePoint(wind_speed_m_per_s=speed, output_power_w=draw(magnitudes))
            for speed in draw(rising(st.floats(0, 40)))
        ),
        curtailable=draw(st.booleans()),
    )


@st.composite
def batteries(draw: st.DrawFn) -> BatteryRating:
    """Batteries."""
    low, high = draw(ordered(ratios))
    charge, discharge = draw(magnitudes), draw(magnitudes)
    return BatteryRating(
        capacity_wh=draw(positive),
        max_charge_power_w=charge,
        max_discharge_power_w=discharge,
        charge_efficiency_ratio=draw(efficiencies),
        discharge_efficiency_ratio=draw(efficiencies),
        min_soc_ratio=low,
        max_soc_ratio=high,
        self_discharge_ratio_per_hour=draw(st.floats(0, 0.5)),
        wear_cost_per_kwh=draw(magnitudes),
        min_charge_power_w=draw(st.floats(0, charge)),
        min_discharge_power_w=draw(st.floats(0, discharge)),
        soc_power_limits=tuple(
            SocPowerLimit(
                soc_ratio=soc,
                max_charge_power_w=draw(magnitudes),
                max_discharge_power_w=draw(magnitudes),
            )
            for soc in draw(rising(ratios))
        ),
        max_apparent_power_va=draw(maybe(st.floats(max(charge, discharge), 2e9))),
    )


@st.composite
def ev_chargers(draw: st.DrawFn) -> EvChargerRating:
    """Charge points, with and without vehicle-to-grid."""
    most = draw(positive)
    return EvChargerRating(
        max_current_a=most,
        min_current_a=draw(st.floats(0, most)),
        voltage_v=draw(positive),
        max_discharge_power_w=draw(magnitudes),
        charge_efficiency_ratio=draw(efficiencies),
        discharge_efficiency_ratio=draw(efficiencies),
    )


@st.composite
def heat_pumps(draw: st.DrawFn) -> HeatPumpRating:
    """Heat pumps and heating rods."""
    most = draw(magnitudes)
    return HeatPumpRating(
        max_power_w=most,
        min_power_w=draw(st.floats(0, most)),
        cop_points=tuple(
            CopPoint(outdoor_temperature_celsius=outdoor, cop_ratio=draw(positive))
            for outdoor in draw(rising(temperatures, least=1))
        ),
    )


comfort_bands = ordered(temperatures).map(
    lambda band: ComfortBand(min_temperature_celsius=band[0], max_temperature_celsius=band[1])
)
thermal_models = st.builds(
    ZoneThermalModel, air_capacity_wh_per_k=positive, air_outdoor_resistance_k_per_w=positive
) | st.builds(
    ZoneThermalModel,
    air_capacity_wh_per_k=positive,
    air_outdoor_resistance_k_per_w=positive,
    mass_capacity_wh_per_k=positive,
    air_mass_resistance_k_per_w=positive,
)
hvac_zones = st.builds(
    HvacZoneRating,
    occupied_band=comfort_bands,
    unoccupied_band=maybe(comfort_bands),
    thermal_model=maybe(thermal_models),
    heating=maybe(heat_pumps()),
    cooling=maybe(heat_pumps()),
)


@st.composite
def tanks(draw: st.DrawFn) -> TankRating:
    """Tanks of heat."""
    low, high = draw(ordered(temperatures))
    return TankRating(
        capacity_wh_per_k=draw(positive),
        min_temperature_celsius=low,
        max_temperature_celsius=high,
        heater=draw(heat_pumps()),
        loss_w_per_k=draw(magnitudes),
        ambient_temperature_celsius=draw(temperatures),
    )


@st.composite
def deferrable_loads(draw: st.DrawFn) -> DeferrableRating:
    """Work that can be done later."""
    most = draw(positive)
    return DeferrableRating(
        max_power_w=most,
        min_power_w=draw(st.floats(0, most)),
        interruptible=draw(st.booleans()),
        min_on_duration=draw(durations),
        min_off_duration=draw(durations),
    )


@st.composite
def generators(draw: st.DrawFn) -> GeneratorRating:
    """Generator sets."""
    most = draw(positive)
    return GeneratorRating(
        max_output_power_w=most,
        min_output_power_w=draw(st.floats(0, most)),
        start_cost=draw(magnitudes),
        fuel_cost_per_kwh=draw(magnitudes),
        running_cost_per_hour=draw(magnitudes),
        min_up_duration=draw(durations),
        min_down_duration=draw(durations),
        emission_gco2e_per_kwh=draw(magnitudes),
    )


ratings: st.SearchStrategy[Rating] = st.one_of(
    grid_connections,
    loads,
    pv_arrays(),
    wind_turbines(),
    batteries(),
    ev_chargers(),
    hvac_zones,
    tanks(),
    deferrable_loads(),
    generators(),
)


@st.composite
def topologies(draw: st.DrawFn) -> tuple[Node, ...]:
    """Trees of up to four nodes: each hangs on one that stands before it."""
    names = draw(st.lists(segments, max_size=4, unique=True))
    return tuple(
        Node(
            id=name,
            parent_id=draw(st.sampled_from(["", *names[:number]])),
            display_name=draw(display_names),
            max_import_power_w=draw(maybe(magnitudes)),
            max_export_power_w=draw(maybe(magnitudes)),
            max_phase_import_power_w=draw(maybe(magnitudes)),
            max_phase_export_power_w=draw(maybe(magnitudes)),
            import_efficiency_ratio=draw(efficiencies),
            export_efficiency_ratio=draw(efficiencies),
        )
        for number, name in enumerate(names)
    )


goals = st.builds(
    PlanningGoals,
    carbon_price_per_kg=maybe(magnitudes),
    ramp_price_per_kw=maybe(magnitudes),
    site_peak_price_per_kw=maybe(magnitudes),
    ensemble_member_count=maybe(st.integers(0, 50)),
    risk_ratio=maybe(st.floats(0.0, 1.0)),
)


@st.composite
def microgrids(draw: st.DrawFn, site: SiteId) -> Microgrid:
    """How a site does without the grid, some of what is shed with a turn of coming on again."""
    names = draw(st.lists(segments, max_size=4, unique=True))
    shed = tuple(AssetId(site, each) for each in names)
    order = draw(st.permutations(shed))
    return Microgrid(
        readiness=draw(maybe(st.just(timedelta(hours=4)))),
        readiness_percentile_ratio=draw(st.floats(0.5, 0.999)),
        readiness_price_per_kwh=draw(maybe(st.floats(0.01, 10.0))),
        reconnect_delay=timedelta(minutes=5),
        shed_assets=shed,
        restore_assets=tuple(order[: draw(st.integers(0, len(order)))]),
    )


sites = site_ids.flatmap(
    lambda site: st.builds(
        Site,
        id=st.just(site),
        time_zone=zones,
        currency_code=currencies,
        display_name=display_names,
        latitude_degrees=maybe(st.floats(-90, 90)),
        longitude_degrees=maybe(st.floats(-180, 180)),
        tariff=maybe(st.builds(TariffId, segments)),
        carbon_zone=maybe(st.builds(ZoneId, segments)),
        nodes=topologies(),
        goals=goals,
        monthly_carbon_budget_gco2e=maybe(magnitudes),
        microgrid=maybe(microgrids(site)),
    )
)


@st.composite
def groups(draw: st.DrawFn) -> SiteGroup:
    """Groups, some of their sites hanging on a node."""
    members = draw(st.lists(site_ids, max_size=4, unique=True))
    nodes = draw(topologies())
    hanging = draw(st.lists(st.sampled_from(members), unique=True)) if members and nodes else []
    return SiteGroup(
        id=draw(st.builds(GroupId, segments)),
        sites=tuple(members),
        display_name=draw(display_names),
        max_import_power_w=draw(maybe(magnitudes)),
        max_export_power_w=draw(maybe(magnitudes)),
        peak_price_per_kw=draw(maybe(magnitudes)),
        nodes=nodes,
        site_node_ids={site: draw(st.sampled_from(nodes)).id for site in hanging},
        goals=draw(goals),
        netted_billing=draw(st.booleans()),
    )


assets = st.builds(
    Asset,
    id=st.builds(AssetId, site_ids, segments),
    rating=ratings,
    display_name=display_names,
    node_id=st.just("") | segments,
    phase=st.sampled_from(Phase),
    meter_point_ids=st.lists(segments, max_size=2).map(tuple),
)

connections: st.SearchStrategy[Connection] = st.one_of(
    st.builds(MqttConnection, address=st.lists(segments, min_size=1, max_size=3).map("/".join)),
    st.builds(
        ModbusTcpConnection,
        host=segments,
        port=st.integers(1, 65535),
        unit_id=st.integers(0, 255),
    ),
    st.builds(OcppConnection, charge_point_id=segments, connector_id=st.integers(1, 1000)),
    st.builds(
        CustomConnection,
        protocol=segments,
        parameters=st.dictionaries(segments, display_names, max_size=3),
    ),
)


@st.composite
def functions(draw: st.DrawFn, site: SiteId, points: frozenset[str]) -> DeviceFunction:
    """What a device with these points may do for an asset of its site."""
    role = draw(maybe(st.sampled_from(MeterRole)))
    start, end = draw(maybe(moments)), draw(maybe(moments))
    if start is not None and end is not None and end <= start:
        end = start + timedelta(seconds=1)
    return DeviceFunction(
        asset=AssetId(site, draw(segments)),
        meter_role=role,
        controls=True if role is None else draw(st.booleans()),
        points=draw(st.frozensets(st.sampled_from(sorted(points)))) if points else frozenset(),
        setpoint_kinds=draw(st.frozensets(st.sampled_from(SetpointKind), max_size=3)),
        start=start,
        end=end,
    )


@st.composite
def devices(draw: st.DrawFn) -> Device:
    """Devices with what they do for the assets of their site."""
    site = draw(site_ids)
    points = draw(st.frozensets(st.sampled_from(sorted(QUANTITIES)), max_size=4))
    return Device(
        id=DeviceId(site, draw(segments)),
        profile=draw(segments),
        gateway=GatewayId(draw(segments)),
        connection=draw(connections),
        reporting_interval=timedelta(seconds=draw(st.integers(1, 86_400))),
        points=points,
        functions=tuple(draw(st.lists(partial(functions, site, points)(), max_size=3))),
        display_name=draw(display_names),
        manufacturer=draw(display_names),
        model=draw(display_names),
        serial_number=draw(display_names),
    )


resources: st.SearchStrategy[Resource] = st.one_of(sites, assets, devices(), groups(), tariffs)
published_prices = st.builds(
    PublishedPrices,
    tariff=st.builds(TariffId, segments),
    span=st.builds(TimeRange.of, moments, durations),
)
changes = st.builds(
    SiteModelChange,
    revision=st.integers(1, 2**60),
    snapshot=st.booleans(),
    changed=st.lists(resources, max_size=6, unique_by=lambda each: each.id.name).map(tuple),
    deleted=st.frozensets(site_ids.map(lambda site: site.name), max_size=3),
    published=st.lists(published_prices, max_size=3).map(tuple),
)
