"""What a meter sends at a reporting time, and what the ledger keeps of a battery and of visits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wattmesh_kernel.ids import AssetId, DeviceId, SiteId
from wattmesh_kernel.time import TimeRange
from wattmesh_twin.domain.charger import ChargerState, FinishedVisit, charged_at_once
from wattmesh_twin.domain.meter import METER_STEP_WH, MeterState
from wattmesh_twin.domain.register import shown_register
from wattmesh_twin.domain.site import SiteSpec, SiteState


@dataclass(frozen=True, kw_only=True, slots=True)
class Telegram:
    """Three quantities of a meter at one time.

    Registers [Wh] as shown, mean power [W] since the telegram before, import positive. `sequence`
    counts the telegrams of the device from 1, without gaps.
    """

    device: DeviceId
    sequence: int
    measure_time: datetime
    import_wh: float
    export_wh: float
    active_power_w: float

    @property
    def points(self) -> int:
        """How many readings it carries."""
        return 3


def telegrams_at(spec: SiteSpec, report: SiteState, interval: timedelta) -> list[Telegram]:
    """Return the telegrams of a site at a reporting time.

    A meter that could not measure all of the interval sends none: a value that nobody measured is
    missing, and a mean over a part would be another quantity.
    """
    return [
        _telegram(spec.device(segment), meter, report.time, interval)
        for segment, meter in report.meters.items()
        if meter.complete
    ]


def _telegram(
    device: DeviceId, meter: MeterState, measure_time: datetime, interval: timedelta
) -> Telegram:
    return Telegram(
        device=device,
        sequence=meter.telegrams + 1,
        measure_time=measure_time,
        import_wh=float(shown_register(meter.import_wh, METER_STEP_WH)),
        export_wh=float(shown_register(meter.export_wh, METER_STEP_WH)),
        active_power_w=round(meter.mean_power_w(interval), 3),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class BatteryRecord:
    """What a battery has really done, to check the meters against.

    Energies [Wh] at the AC terminals since the beginning, exact and not rounded to register steps;
    `setpoint_w` is the order that holds from then on, None when idle for want of one.
    """

    site: SiteId
    time: datetime
    charge_wh: float
    discharge_wh: float
    soc_ratio: float
    setpoint_w: float | None


def battery_record(spec: SiteSpec, state: SiteState) -> BatteryRecord | None:
    """Return the record of a site's battery now; None when it has none."""
    if spec.battery is None or state.battery is None:
        return None
    return BatteryRecord(
        site=spec.id,
        time=state.time,
        charge_wh=state.battery.charge_wh,
        discharge_wh=state.battery.discharge_wh,
        soc_ratio=state.battery.soc_ratio(spec.battery),
        setpoint_w=state.setpoint.value if state.setpoint else None,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class IslandRecord:
    """What a site that can do without the grid has come to: counts since the beginning.

    `seconds` without the grid, energies [Wh] then; its generator set's starts, fuel burnt [l] and
    energy given out [Wh], its turbine's register [Wh].
    """

    site: SiteId
    time: datetime
    islanded: bool
    seconds: float
    wanted_wh: float
    served_wh: float
    critical_wanted_wh: float
    critical_served_wh: float
    curtailed_wh: float
    starts: int
    burnt_l: float
    generated_wh: float
    wind_wh: float


def island_record(spec: SiteSpec, state: SiteState) -> IslandRecord | None:
    """Return the record of a site that can do without the grid; None of any other."""
    if spec.microgrid is None:
        return None
    island, generator = state.island, state.generator
    return IslandRecord(
        site=spec.id,
        time=state.time,
        islanded=state.islanded,
        seconds=island.seconds,
        wanted_wh=island.wanted_wh,
        served_wh=island.served_wh,
        critical_wanted_wh=island.critical_wanted_wh,
        critical_served_wh=island.critical_served_wh,
        curtailed_wh=island.curtailed_wh,
        starts=0 if generator is None else generator.starts,
        burnt_l=0.0 if generator is None else generator.burnt_l,
        generated_wh=0.0 if generator is None else generator.energy_wh,
        wind_wh=state.wind_export_wh,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitRecord:
    """What became of a visit, or so far, and what would have with nobody in control.

    Energies [Wh, AC]: `wanted_wh` with all the time in the world, `charged_wh` what was drawn.
    `at_once_wh` is per hour from `at_once_start` on: charged as fast as it goes from the arrival.
    """

    asset: AssetId
    arrival: datetime
    departure: datetime
    declared_departure: datetime | None
    wanted_wh: float
    charged_wh: float
    soc_ratio: float
    at_once_start: datetime
    at_once_wh: tuple[float, ...]
    over: bool = True


def visit_records(
    asset: AssetId, state: ChargerState, max_current_a: float
) -> Iterator[VisitRecord]:
    """Yield the records of the visits to a charge point of at most `max_current_a` [A]: the last
    that is over, and the one that goes on."""
    if state.finished is not None:
        yield _visit_record(asset, state.finished, max_current_a)
    if state.visit is not None:
        so_far = FinishedVisit(
            visit=state.visit,
            charged_wh=state.import_wh - state.arrival_import_wh,
            soc_ratio=state.soc_ratio,
        )
        yield replace(_visit_record(asset, so_far, max_current_a), over=False)


def _visit_record(asset: AssetId, finished: FinishedVisit, max_current_a: float) -> VisitRecord:
    visit = finished.visit
    start, energies_wh = charged_at_once(visit, max_current_a, timedelta(hours=1))
    return VisitRecord(
        asset=asset,
        arrival=visit.arrival,
        departure=visit.departure,
        declared_departure=visit.declared_departure,
        wanted_wh=visit.wanted_wh,
        charged_wh=finished.charged_wh,
        soc_ratio=finished.soc_ratio,
        at_once_start=start,
        at_once_wh=energies_wh,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomRecord:
    """What a room has drawn at the end of an hour [Wh], and what it would have by plain rules.

    Registers since it was put up; `rules_kh` is the time outside of comfort by each rule, so many
    kelvins beyond it [K h]. The band is that of the hour that ends.
    """

    asset: AssetId
    time: datetime
    low_celsius: float
    high_celsius: float
    import_wh: float
    rules_wh: Mapping[str, float]
    rules_kh: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineRecord:
    """What a machine has drawn at the end of an hour [Wh], and what it would have begun at once.

    Of the runs whose windows have ended `wanted` counts all, `met` those that were done by then.
    `window` is that of the run which was loaded last, while the hour was in it.
    """

    asset: AssetId
    time: datetime
    import_wh: float
    at_once_wh: float
    wanted: int
    met: int
    window: TimeRange | None = None
