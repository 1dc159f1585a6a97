"""Resources as rows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wattmesh_runtime.documents import DocumentCodec
from wattmesh_usage.domain.needs import ChargingNeed
from wattmesh_usage.domain.records import Kind, Record, Resource, is_open, kind_of
from wattmesh_usage.domain.runs import DeferrableRun
from wattmesh_usage.domain.sessions import ChargingSession
from wattmesh_usage.domain.vehicles import Vehicle
from wattmesh_usage.domain.zones import Occupancy, ZoneSchedule

COLUMNS = "kind, document, revision, deleted"

_CODECS: Mapping[Kind, DocumentCodec[Any]] = {
    Kind.VEHICLE: DocumentCodec[Vehicle](Vehicle),
    Kind.CHARGING_SESSION: DocumentCodec[ChargingSession](ChargingSession),
    Kind.CHARGING_NEED: DocumentCodec[ChargingNeed](ChargingNeed),
    Kind.ZONE_SCHEDULE: DocumentCodec[ZoneSchedule](ZoneSchedule),
    Kind.OCCUPANCY: DocumentCodec[Occupancy](Occupancy),
    Kind.DEFERRABLE_RUN: DocumentCodec[DeferrableRun](DeferrableRun),
}


def record_from_row(row: tuple[Any, ...]) -> Record[Resource]:
    """Return the record of a row with `COLUMNS`."""
    kind, document, revision, deleted = row
    resource = _CODECS[Kind(kind)].from_document(document)
    return Record(resource=resource, revision=revision, deleted=deleted)


def row_of(resource: Resource) -> dict[str, Any]:
    """Return the columns of a resource, but for its revision."""
    kind = kind_of(resource)
    return {
        "name": resource.id.name,
        "kind": kind.value,
        "open": is_open(resource),
        "document": _CODECS[kind].to_json(resource).decode(),
        **_places(resource),
    }


def _places(resource: Resource) -> dict[str, Any]:
    match resource:
        case Vehicle():
            return _columns(place=0.0)
        case ChargingSession():
            return _columns(
                site=resource.id.site.name,
                asset=resource.id.asset.name,
                vehicle=None if resource.vehicle is None else resource.vehicle.name,
                start_time=resource.arrival_time,
                end_time=resource.departure_time,
                place=-resource.arrival_time.timestamp(),
            )
        case ChargingNeed():
            return _columns(
                site=resource.id.site.name,
                asset=None if resource.id.asset is None else resource.id.asset.name,
                vehicle=None if resource.vehicle is None else resource.vehicle.name,
                start_time=resource.arrival_time,
                end_time=resource.departure_time,
                place=resource.departure_time.timestamp(),
            )
        case ZoneSchedule():
            span = resource.range
            return _columns(
                site=resource.id.site.name,
                asset=resource.id.asset.name,
                start_time=None if span is None else span.start,
                end_time=None if span is None else span.end,
                place=0.0,
            )
        case Occupancy():
            return _columns(
                site=resource.id.site.name,
                asset=resource.id.asset.name,
                start_time=resource.range.start,
                end_time=resource.range.end,
                place=resource.range.start.timestamp(),
            )
        case DeferrableRun():
            return _columns(
                site=resource.id.site.name,
                asset=resource.id.asset.name,
                start_time=resource.earliest_start_time,
                end_time=resource.latest_end_time,
                place=resource.latest_end_time.timestamp(),
            )


def _columns(
    *,
    place: float,
    site: str | None = None,
    asset: str | None = None,
    vehicle: str | None = None,
    start_time: datetime | None = None,
    end_time: datetime | None = None,
) -> dict[str, Any]:
    return {
        "place": place,
        "site": site,
        "asset": asset,
        "vehicle": vehicle,
        "start_time": start_time,
        "end_time": end_time,
    }
