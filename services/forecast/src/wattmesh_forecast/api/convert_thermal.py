"""wattmesh.forecast.v1.ThermalOutlook from outlooks of zones and tanks."""

from wattmesh.forecast.v1 import forecast_pb2, thermal_pb2
from wattmesh_contracts.ratings import rating_to_proto
from wattmesh_contracts.values import (
    duration_from_proto,
    time_range_from_proto,
    timestamp_to_proto,
)
from wattmesh_forecast.api.convert import assets_from_proto, failure_to_proto
from wattmesh_forecast.app.thermal_outlooks import Outlook
from wattmesh_forecast.domain.outcome import NotForecast
from wattmesh_forecast.domain.thermal.identify import Verdict
from wattmesh_forecast.domain.thermal.outlook import TankOutlook, ZoneOutlook
from wattmesh_forecast.domain.thermal.record import Floats
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.errors import InvalidArgument

_VERDICTS = {
    Verdict.IDENTIFIED: thermal_pb2.ZONE_VERDICT_IDENTIFIED,
    Verdict.TOO_SHORT: thermal_pb2.ZONE_VERDICT_TOO_SHORT,
    Verdict.NOT_EXCITED: thermal_pb2.ZONE_VERDICT_NOT_EXCITED,
    Verdict.UNCERTAIN: thermal_pb2.ZONE_VERDICT_UNCERTAIN,
    Verdict.NOT_PREDICTIVE: thermal_pb2.ZONE_VERDICT_NOT_PREDICTIVE,
}


def outlooks_wanted(request: forecast_pb2.IssueThermalOutlooksRequest) -> Wanted:
    """Return what is asked for."""
    if not request.HasField("resolution"):
        raise InvalidArgument("MISSING_FIELD", "resolution is required", field="resolution")
    return Wanted(
        assets=assets_from_proto(request.assets),
        span=time_range_from_proto(request.range, "range"),
        resolution=duration_from_proto(request.resolution, "resolution"),
        ratios=(),
    )


def outlook_to_proto(outlook: Outlook) -> forecast_pb2.ThermalOutlook:
    """Return an outlook, or why there is none."""
    message = forecast_pb2.ThermalOutlook(asset=outlook.asset.name)
    match outlook:
        case ZoneOutlook():
            message.zone.CopyFrom(_zone(outlook))
        case TankOutlook():
            message.tank.CopyFrom(_tank(outlook))
        case NotForecast():
            message.failure.CopyFrom(failure_to_proto(outlook))
    return message


def _zone(outlook: ZoneOutlook) -> thermal_pb2.ZoneOutlook:
    known = outlook.identified
    message = thermal_pb2.ZoneOutlook(
        verdict=_VERDICTS[known.verdict],
        reason=known.reason,
        thermal_model=None if outlook.model is None else rating_to_proto(outlook.model),
        heating_cop_points=map(rating_to_proto, outlook.heating_cop),
        cooling_cop_points=map(rating_to_proto, outlook.cooling_cop),
        heat_std_ratio=known.heat_std_ratio,
        day_ahead_error_kelvin=known.day_ahead_rmse_k,
        identify_time=timestamp_to_proto(outlook.identify_time),
        days=known.days,
        outdoor_temperatures_celsius=_values(outlook.outdoor_celsius),
        heat_gains_w=_values(outlook.gains_w),
        powers_w=_values(outlook.powers_w),
        occupancy_ratios=_values(outlook.occupancy_ratio),
        along_ratios=_values(outlook.along_ratio),
    )
    if outlook.state_time is not None and outlook.air_celsius is not None:
        message.state_time.CopyFrom(timestamp_to_proto(outlook.state_time))
        message.air_temperature_celsius = outlook.air_celsius
        if outlook.mass_celsius is not None:
            message.mass_temperature_celsius = outlook.mass_celsius
    return message


def _tank(outlook: TankOutlook) -> thermal_pb2.TankOutlook:
    return thermal_pb2.TankOutlook(
        draw_heats_w=_values(outlook.draws_w),
        outdoor_temperatures_celsius=_values(outlook.outdoor_celsius),
        days=outlook.days,
        reason=outlook.reason,
        powers_w=_values(outlook.powers_w),
    )


def _values(values: Floats | None) -> list[float]:
    return [] if values is None else [float(each) for each in values]
