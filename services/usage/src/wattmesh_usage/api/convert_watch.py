"""Changes as pieces of wattmesh.usage.v1.WatchUsageResponse."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import cast

from wattmesh.usage.v1 import usage_service_pb2 as pb
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_usage.api.convert import need_to_proto, session_to_proto, vehicle_to_proto
from wattmesh_usage.api.convert_runs import run_to_proto
from wattmesh_usage.api.convert_zones import occupancy_to_proto, schedule_to_proto
from wattmesh_usage.domain.needs import ChargingNeed
from wattmesh_usage.domain.records import Changes, Record, Resource
from wattmesh_usage.domain.runs import DeferrableRun
from wattmesh_usage.domain.sessions import ChargingSession
from wattmesh_usage.domain.vehicles import Vehicle
from wattmesh_usage.domain.zones import Occupancy, ZoneSchedule

MOST_RECORDS = 500
"""In one piece."""


def pieces_from_changes(changes: Changes, now: datetime) -> Iterator[pb.WatchUsageResponse]:
    """Yield the pieces of a snapshot or change, or one heartbeat; the last is complete."""
    records = changes.records
    for first in range(0, len(records), MOST_RECORDS):
        part = records[first : first + MOST_RECORDS]
        if first + MOST_RECORDS < len(records):
            yield _piece(replace(changes, records=part), now, complete=False)
        else:
            yield _piece(replace(changes, records=part), now, complete=True)
    if not records:
        yield _piece(changes, now, complete=True)


def _piece(changes: Changes, now: datetime, *, complete: bool) -> pb.WatchUsageResponse:
    piece = pb.WatchUsageResponse(
        revision=changes.revision,
        snapshot=changes.snapshot,
        complete=complete,
        send_time=timestamp_to_proto(now),
    )
    for record in changes.records:
        _add(piece, record)
    return piece


def _add(piece: pb.WatchUsageResponse, record: Record[Resource]) -> None:
    if record.deleted:
        piece.deleted_names.append(record.name)
        return
    match record.resource:
        case Vehicle():
            piece.vehicles.append(vehicle_to_proto(cast(Record[Vehicle], record)))
        case ChargingSession():
            piece.charging_sessions.append(session_to_proto(cast(Record[ChargingSession], record)))
        case ZoneSchedule():
            piece.zone_schedules.append(schedule_to_proto(cast(Record[ZoneSchedule], record)))
        case Occupancy():
            piece.occupancies.append(occupancy_to_proto(cast(Record[Occupancy], record)))
        case DeferrableRun():
            piece.deferrable_runs.append(run_to_proto(cast(Record[DeferrableRun], record)))
        case ChargingNeed():
            piece.charging_needs.append(need_to_proto(cast(Record[ChargingNeed], record)))
