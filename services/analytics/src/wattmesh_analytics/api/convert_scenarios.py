"""Scenarios and settlements of wattmesh.analytics.v1 ↔ domain."""

from collections.abc import Mapping
from datetime import date

from google.longrunning import operations_pb2
from google.rpc import code_pb2

from wattmesh.analytics.v1 import scenario_pb2, settlement_pb2
from wattmesh_analytics.api.convert import left_out_to_proto
from wattmesh_analytics.api.enums import E, EnumPair, N
from wattmesh_analytics.app.question import RESOLUTION
from wattmesh_analytics.domain.operation import ScenarioRun
from wattmesh_analytics.domain.scenario import (
    Charging,
    Climate,
    EdgeShift,
    Policy,
    Runs,
    Scenario,
    ScenarioResult,
    Tanks,
)
from wattmesh_analytics.domain.settlement import Reason, Settlement
from wattmesh_contracts.billing import line_to_proto
from wattmesh_contracts.ratings import rating_from_proto, rating_to_proto
from wattmesh_contracts.values import (
    at_field,
    duration_from_proto,
    duration_to_proto,
    time_range_from_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import SiteId, TariffId
from wattmesh_kernel.sites import BatteryRating

_POLICIES = EnumPair[Policy, scenario_pb2.ScenarioPolicy.ValueType](
    {
        Policy.FORESIGHT: scenario_pb2.SCENARIO_POLICY_FORESIGHT,
        Policy.SELF_CONSUMPTION: scenario_pb2.SCENARIO_POLICY_SELF_CONSUMPTION,
        Policy.IDLE: scenario_pb2.SCENARIO_POLICY_IDLE,
    }
)
_CHARGING = EnumPair[Charging, scenario_pb2.ScenarioCharging.ValueType](
    {
        Charging.METERED: scenario_pb2.SCENARIO_CHARGING_UNSPECIFIED,
        Charging.AT_ONCE: scenario_pb2.SCENARIO_CHARGING_AT_ONCE,
        Charging.FORESIGHT: scenario_pb2.SCENARIO_CHARGING_FORESIGHT,
    }
)
_CLIMATES = EnumPair[Climate, scenario_pb2.ScenarioClimate.ValueType](
    {
        Climate.METERED: scenario_pb2.SCENARIO_CLIMATE_UNSPECIFIED,
        Climate.THERMOSTAT: scenario_pb2.SCENARIO_CLIMATE_THERMOSTAT,
        Climate.FORESIGHT: scenario_pb2.SCENARIO_CLIMATE_FORESIGHT,
    }
)
_TANKS = EnumPair[Tanks, scenario_pb2.ScenarioTanks.ValueType](
    {
        Tanks.METERED: scenario_pb2.SCENARIO_TANKS_UNSPECIFIED,
        Tanks.THERMOSTAT: scenario_pb2.SCENARIO_TANKS_THERMOSTAT,
        Tanks.FORESIGHT: scenario_pb2.SCENARIO_TANKS_FORESIGHT,
    }
)
_RUNS = EnumPair[Runs, scenario_pb2.ScenarioRuns.ValueType](
    {
        Runs.METERED: scenario_pb2.SCENARIO_RUNS_UNSPECIFIED,
        Runs.AT_ONCE: scenario_pb2.SCENARIO_RUNS_AT_ONCE,
        Runs.FORESIGHT: scenario_pb2.SCENARIO_RUNS_FORESIGHT,
    }
)
_REASONS: Mapping[Reason, settlement_pb2.SettlementReason.ValueType] = {
    Reason.FIRST: settlement_pb2.SETTLEMENT_REASON_FIRST,
    Reason.LATE_READINGS: settlement_pb2.SETTLEMENT_REASON_LATE_READINGS,
    Reason.CORRECTED_READINGS: settlement_pb2.SETTLEMENT_REASON_CORRECTED_READINGS,
    Reason.TARIFF: settlement_pb2.SETTLEMENT_REASON_TARIFF,
    Reason.CARRIED_OVER: settlement_pb2.SETTLEMENT_REASON_CARRIED_OVER,
}


def scenario_from_proto(message: scenario_pb2.Scenario) -> Scenario:
    """Return what is asked."""
    with at_field("scenario"):
        policy = _of(_POLICIES, message.policy, "policy")
        resolution = RESOLUTION
        if message.HasField("resolution"):
            resolution = duration_from_proto(message.resolution, "resolution")
        battery = None
        if message.HasField("battery"):
            with at_field("battery"):
                battery = rating_from_proto(BatteryRating, message.battery)
        return Scenario(
            site=SiteId.parse(message.site, "site"),
            range=time_range_from_proto(message.range),
            resolution=resolution,
            policy=policy,
            tariff=TariffId.parse(message.tariff, "tariff") if message.tariff else None,
            battery=battery,
            without_batteries=message.without_batteries,
            generation_ratio=(
                message.generation_ratio if message.HasField("generation_ratio") else None
            ),
            charging=_of(_CHARGING, message.charging, "charging"),
            charger_power_w=(
                message.charger_power_w if message.HasField("charger_power_w") else None
            ),
            vehicle_to_grid=message.vehicle_to_grid,
            climate=_of(_CLIMATES, message.climate, "climate"),
            edge_shift=EdgeShift(
                lower_kelvin=message.lower_edge_shift_kelvin,
                upper_kelvin=message.upper_edge_shift_kelvin,
            ),
            tanks=_of(_TANKS, message.tanks, "tanks"),
            runs=_of(_RUNS, message.runs, "runs"),
        )


def _of(known: EnumPair[E, N], number: int, field: str) -> E:
    return known.from_proto(number, field, "nothing to act by")


def scenario_to_proto(scenario: Scenario) -> scenario_pb2.Scenario:
    """Return what was asked."""
    return scenario_pb2.Scenario(
        site=scenario.site.name,
        range=time_range_to_proto(scenario.range),
        resolution=duration_to_proto(scenario.resolution),
        tariff="" if scenario.tariff is None else scenario.tariff.name,
        battery=None if scenario.battery is None else rating_to_proto(scenario.battery),
        without_batteries=scenario.without_batteries,
        generation_ratio=scenario.generation_ratio,
        policy=_POLICIES.to_proto(scenario.policy),
        charging=_CHARGING.to_proto(scenario.charging),
        charger_power_w=scenario.charger_power_w,
        vehicle_to_grid=scenario.vehicle_to_grid,
        climate=_CLIMATES.to_proto(scenario.climate),
        lower_edge_shift_kelvin=scenario.edge_shift.lower_kelvin,
        upper_edge_shift_kelvin=scenario.edge_shift.upper_kelvin,
        tanks=_TANKS.to_proto(scenario.tanks),
        runs=_RUNS.to_proto(scenario.runs),
    )


def operation_to_proto(run: ScenarioRun) -> operations_pb2.Operation:
    """Return a scenario as an operation: running, with its result, or with its error."""
    operation = operations_pb2.Operation(name=run.name, done=run.done)
    operation.metadata.Pack(
        scenario_pb2.RunScenarioMetadata(
            progress_ratio=run.progress_ratio,
            stage=run.stage,
            scenario=scenario_to_proto(run.scenario),
        )
    )
    if run.error:
        operation.error.code = code_pb2.FAILED_PRECONDITION
        operation.error.message = run.error
    if run.result is not None:
        operation.response.Pack(result_to_proto(run.scenario, run.result))
    return operation


def result_to_proto(scenario: Scenario, result: ScenarioResult) -> scenario_pb2.ScenarioResult:
    """Return what a scenario came to."""
    saved, stored = result.saved, result.stored
    return scenario_pb2.ScenarioResult(
        scenario=scenario_to_proto(scenario),
        currency_code=result.cost.currency_code,
        cost_amount=str(result.cost.rounded().amount),
        metered_amount=str(result.metered.rounded().amount),
        saved_amount="" if saved is None else str(saved.amount),
        stored_amount="" if stored is None else str(stored.rounded().amount),
        emissions_gco2e=result.emissions_gco2e,
        metered_emissions_gco2e=result.metered_emissions_gco2e,
        peak_kw=result.peak_kw,
        metered_peak_kw=result.metered_peak_kw,
        import_energy_kwh=result.import_kwh,
        export_energy_kwh=result.export_kwh,
        covered_ratio=result.covered_ratio,
        full_cycles=result.full_cycles,
        vehicle_lacking_energy_kwh=result.lacking_kwh,
        discomfort_kelvin_hours=None if result.discomfort is None else result.discomfort[0],
        metered_discomfort_kelvin_hours=None if result.discomfort is None else result.discomfort[1],
        tank_cold_kelvin_hours=None if result.tanks_below is None else result.tanks_below[0],
        metered_tank_cold_kelvin_hours=(
            None if result.tanks_below is None else result.tanks_below[1]
        ),
        unfinished_energy_kwh=result.unfinished_kwh,
        left_out=left_out_to_proto(result.left_out),
    )


def settlement_name_from_proto(name: str) -> tuple[SiteId, date]:
    """Return the site and the day of a settlement."""
    parts = name.split("/")
    if len(parts) != 4 or parts[0] != "sites" or parts[2] != "settlements":
        raise InvalidArgument(
            "INVALID_NAME", f"{name!r} is no sites/{{site}}/settlements/{{day}}", field="name"
        )
    try:
        day = date.fromisoformat(parts[3])
    except ValueError as error:
        raise InvalidArgument("INVALID_NAME", f"{parts[3]!r} is no day", field="name") from error
    return SiteId.parse("/".join(parts[:2])), day


def settlement_to_proto(settlement: Settlement) -> settlement_pb2.Settlement:
    """Return a settlement."""
    change = settlement.change
    return settlement_pb2.Settlement(
        name=f"{settlement.site.name}/settlements/{settlement.day.isoformat()}",
        range=time_range_to_proto(settlement.range),
        version=settlement.version,
        settle_time=timestamp_to_proto(settlement.settle_time),
        reason=_REASONS[settlement.reason],
        tariff=settlement.tariff.name,
        currency_code=settlement.currency_code,
        cost_amount=f"{settlement.cost:f}",
        lines=map(line_to_proto, settlement.lines),
        import_energy_kwh=f"{settlement.import_kwh:.3f}",
        export_energy_kwh=f"{settlement.export_kwh:.3f}",
        covered_ratio=settlement.covered_ratio,
        changed_cost_amount="" if change is None else f"{change.cost:f}",
        changed_import_energy_kwh="" if change is None else f"{change.import_kwh:.3f}",
        changed_export_energy_kwh="" if change is None else f"{change.export_kwh:.3f}",
    )
