"""What somebody may ask, and be told, who has sites of their own and sees nothing of others'.

Each method that is open to them says how it is known whose it is about; what is not listed here is
closed to them, a new method too. What they are told is looked through as well: an answer that
names another's site is no answer.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from google.protobuf.message import Message

from wattmesh_kernel.callers import Caller
from wattmesh_kernel.errors import NotFound, PermissionDenied
from wattmesh_kernel.ids import SEGMENT_PATTERN

log = logging.getLogger(__name__)

_SITE_NAME = re.compile(rf"(?<![\w/-])sites/{SEGMENT_PATTERN}")


@dataclass(frozen=True, slots=True)
class Named:
    """Fields of the request name sites or what is theirs: each must be the caller's.

    `fields`: at least one name must stand in each, unless `some`: then in one of the messages of a
    stream. `without`: fields that ask for what is shared, and must be empty.
    """

    fields: tuple[str, ...]
    without: tuple[str, ...] = ()
    some: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """It is asked by a name that does not say whose it is: the answer does. It changes nothing."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The service itself asks `current_identity().reaches(…)` before it does anything."""


@dataclass(frozen=True, slots=True)
class Shared:
    """It is about nobody's sites."""


Way: TypeAlias = Named | Answered | Checked | Shared


def _of(service: str, way: Way, *methods: str) -> dict[str, Way]:
    package = service.split(".")[0]
    name = service.split(".")[1]
    return {f"/wattmesh.{package}.v1.{name}/{method}": way for method in methods}


_NAME, _PARENT, _SITE = Named(("name",)), Named(("parent",)), Named(("site",))
_ASSETS, _POINT, _POINTS = Named(("assets",)), Named(("point",)), Named(("points",))
_SITE_BY_ITS_TARIFF = Named(("site",), without=("tariff",))
_USED = ("ChargingSession", "ChargingNeed", "ZoneSchedule", "Occupancy", "DeferrableRun")

WAYS: Mapping[str, Way] = {
    **_of("site.SiteService", _NAME, "GetSite", "GetAsset", "GetDevice", "DeleteAsset"),
    **_of("site.SiteService", _PARENT, "ListAssets", "ListDevices"),
    **_of("site.SiteService", Named(("asset.name",)), "CreateAsset", "UpdateAsset"),
    **_of("site.SiteService", Checked(), "ListSites"),
    **_of("metering.MeteringService", _POINT, "QuerySeries", "CorrectReadings", "DeclareExchange"),
    **_of("metering.MeteringService", Named(("requests.point",)), "BatchQuerySeries"),
    **_of("metering.MeteringService", _ASSETS, "QueryEnergy"),
    **_of("metering.MeteringService", Named(("query.assets",)), "StreamEnergy"),
    **_of("metering.MeteringService", _POINTS, "GetLatestReadings", "WatchReadings"),
    **_of("metering.MeteringService", _POINTS, "ReplayValidation"),
    **_of("metering.MeteringService", _PARENT, "ListReadingFlags"),
    **_of("metering.MeteringService", Named(("batch.points",), some=True), "Ingest"),
    **_of("metering.MeteringService", Shared(), "ListQuantities"),
    **_of("control.ControlService", Named(("device",)), "IssueCommand"),
    **_of("control.ControlService", _PARENT, "ListCommands", "WatchCommands"),
    **_of("control.ControlService", Named(("limit.subject",)), "SetLimit"),
    **_of("control.ControlService", Answered(), "GetCommand", "GetLimit"),
    **_of("control.ControlService", Checked(), "CancelCommand", "DeleteLimit"),
    **_of("control.ExecutionService", Named(("device",)), "GetExecution"),
    **_of("control.ExecutionService", _PARENT, "ListCommandTransitions", "ListDeviceEvents"),
    **_of("control.ExecutionService", _PARENT, "WatchDeviceEvents"),
    **_of("control.OperatorService", Named(("hold.subject",)), "PlaceHold"),
    **_of("control.OperatorService", Checked(), "ReleaseHold"),
    **_of("control.OperatorService", Answered(), "GetHold"),
    **_of("control.OperatorService", _PARENT, "ListHolds", "WatchHolds"),
    **_of("control.OperatorService", Named(("command.device",)), "DryRun"),
    **_of("planner.PlannerService", Answered(), "GetPlan"),
    **_of("planner.PlannerService", _PARENT, "ListPlans", "WatchPlans"),
    **_of("planner.PlannerService", _PARENT, "StreamPlannedExchange"),
    **_of("planner.PlannerService", Named(("scope",)), "TriggerPlan"),
    **_of("planner.PlannerService", _NAME, "GetScope"),
    **_of("forecast.ForecastService", _ASSETS, "IssueForecasts", "EvaluateForecasts"),
    **_of("forecast.ForecastService", _ASSETS, "IssueEnsemble", "IssueThermalOutlooks"),
    **_of("forecast.ForecastService", _PARENT, "ListForecasts"),
    **_of("forecast.ForecastService", _NAME, "GetForecast"),
    **_of("usage.UsageService", _NAME, *(f"Get{each}" for each in _USED)),
    **_of("usage.UsageService", _NAME, *(f"Delete{each}" for each in _USED[1:])),
    **_of("usage.UsageService", Named(("zone_schedule.name",)), "CreateZoneSchedule"),
    **_of("usage.UsageService", Named(("zone_schedule.name",)), "UpdateZoneSchedule"),
    **_of("usage.UsageService", Named(("occupancy.name",)), "CreateOccupancy", "UpdateOccupancy"),
    **_of("usage.UsageService", Named(("deferrable_run.name",)), "CreateDeferrableRun"),
    **_of("usage.UsageService", Named(("deferrable_run.name",)), "UpdateDeferrableRun"),
    **_of("usage.UsageService", _PARENT, "ListChargingSessions", "ListChargingNeeds"),
    **_of("usage.UsageService", _PARENT, "ListZoneSchedules", "ListOccupancies"),
    **_of("usage.UsageService", _PARENT, "ListDeferrableRuns", "WatchUsage"),
    **_of("analytics.AnalyticsService", _SITE_BY_ITS_TARIFF, "QueryBills"),
    **_of("analytics.AnalyticsService", Named(("sites",)), "QuerySavings", "QueryReport"),
    **_of("analytics.AnalyticsService", Named(("site",), without=("group",)), "QueryIndicators"),
    **_of("analytics.AnalyticsService", _SITE, "QueryMeasureSavings", "QueryAnomalies"),
    **_of("analytics.AnalyticsService", _SITE, "SettleSite"),
    **_of("analytics.AnalyticsService", _NAME, "GetSettlement", "GetMonthlyReport"),
    **_of("analytics.AnalyticsService", _PARENT, "ListSettlements", "ListMonthlyReports"),
    **_of("analytics.AnalyticsService", Named(("subjects",)), "QueryFootprint"),
    **_of("alert.AlertService", _PARENT, "ListAlerts", "WatchAlerts"),
    **_of("alert.AlertService", Answered(), "GetAlert"),
    **_of("alert.AlertService", Shared(), "ListAlertRules"),
    **_of("alert.AlertService", Named(("silence.subject",)), "PlaceSilence"),
    **_of("dashboard.DashboardService", Checked(), "WatchLive"),
    **_of("dashboard.DashboardService", _SITE, "QueryPrices"),
    **_of("weather.WeatherService", _SITE, "QueryWeather"),
    **_of("carbon.CarbonService", Shared(), "QueryAverageIntensity", "QueryMarginalIntensity"),
    **_of("carbon.CarbonService", Shared(), "ForecastAverageIntensity"),
    **_of("carbon.CarbonService", Shared(), "ForecastMarginalIntensity", "ListFactors"),
    **_of("status.StatusService", Shared(), "GetCatalogue"),
    **_of("identity.IdentityService", Shared(), "GetCaller", "GetRole", "ListRoles"),
}
"""What is open to callers with sites of their own, and how it is known whose it is about."""


def admit_within(caller: Caller, method: str) -> None:
    """Raise PermissionDenied for what is closed to callers with sites of their own."""
    if caller.sites is not None and method not in WAYS:
        raise PermissionDenied("SITE_OUT_OF_REACH", "this is for callers who see all sites")


def check_within(caller: Caller, method: str, request: Any) -> None:
    """Raise PermissionDenied when a request is about a site that is not the caller's."""
    way = WAYS.get(method)
    if caller.sites is None or not isinstance(way, Named):
        return
    for field in way.fields:
        names = list(_texts_at(request, field.split(".")))
        if not (names or way.some) or not all(map(caller.reaches, names)):
            raise PermissionDenied(
                "SITE_OUT_OF_REACH", f"{field}: only what is of one's own sites may be asked for"
            )
    for field in way.without:
        if getattr(request, field):
            raise PermissionDenied("SITE_OUT_OF_REACH", f"{field} is for callers who see all sites")


def check_answer(caller: Caller, method: str, answer: Any) -> None:
    """Raise NotFound when an answer names a site that is not the caller's."""
    if caller.sites is None or not isinstance(answer, Message):
        return
    foreign = next((each for each in sites_named(answer) if each not in caller.sites), None)
    if foreign is None:
        return
    if not isinstance(WAYS.get(method), Answered):
        log.error("%s would have told %s of %s", method[1:], caller.name, foreign)
    raise NotFound("OUT_OF_REACH", "there is nothing of that name at one's own sites")


def sites_named(message: Message) -> Iterator[str]:
    """Yield the `sites/{site}` that a message names, in names and in sentences, however deep."""
    for text in _texts(message):
        if "sites/" in text:
            yield from (found[0] for found in _SITE_NAME.finditer(text))


def _texts_at(message: Any, path: list[str]) -> Iterator[str]:
    """Yield the texts at a path; an empty one where nothing was said, of a field of its own."""
    value = getattr(message, path[0])
    repeated = not isinstance(value, (str, Message))
    for each in value if repeated else (value,):
        if isinstance(each, str):
            yield each
        else:
            yield from _texts_at(each, path[1:])


def _texts(message: Message) -> Iterator[str]:
    """Yield every text in a message, however deep."""
    for field, value in message.ListFields():
        if field.type == field.TYPE_STRING and field.is_repeated:
            yield from value
        elif field.type == field.TYPE_STRING:
            yield value
        elif field.message_type is None:
            continue
        elif field.message_type.GetOptions().map_entry:
            yield from _texts_of_map(value)
        else:
            for each in value if field.is_repeated else (value,):
                yield from _texts(each)


def _texts_of_map(mapping: Mapping[Any, Any]) -> Iterator[str]:
    for key, value in mapping.items():
        yield from (each for each in (key, value) if isinstance(each, str))
        if isinstance(value, Message):
            yield from _texts(value)
