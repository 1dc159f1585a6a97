"""Changes of the site model as pieces of WatchSiteModel.

Resources go out as they are kept, with their etags: whoever follows gets what it knows more than
this replica, and can change what it has got.
"""

from collections.abc import Iterator
from datetime import datetime

from wattmesh.site.v1 import site_service_pb2
from wattmesh_contracts.site_model import LARGEST_PIECE, pieces_from_change
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_kernel.sites import SiteModelChange
from wattmesh_metering.api.convert_record import ASSETS, DEVICES, GROUPS, SITES, TARIFFS
from wattmesh_metering.domain.paging import parts
from wattmesh_metering.domain.records import ModelChange, Record, RecordKind

Piece = site_service_pb2.WatchSiteModelResponse


def pieces_from_model_change(change: ModelChange, now: datetime) -> Iterator[Piece]:
    """Give a change as messages of bounded size; the last, without resources, completes it.

    An empty change is that last one alone: a heartbeat.
    """
    for part in parts(change.changed, LARGEST_PIECE, lambda record: record.size_bytes):
        piece = Piece(
            revision=change.revision, snapshot=change.snapshot, send_time=timestamp_to_proto(now)
        )
        for record in part:
            _add(piece, record)
        yield piece
    rest = SiteModelChange(
        revision=change.revision,
        snapshot=change.snapshot,
        deleted=change.deleted,
        published=change.published,
    )
    yield from pieces_from_change(rest, now)


def _add(piece: Piece, record: Record) -> None:
    match record.document.kind:
        case RecordKind.SITE:
            piece.sites.append(SITES.proto(record))
        case RecordKind.ASSET:
            piece.assets.append(ASSETS.proto(record))
        case RecordKind.DEVICE:
            piece.devices.append(DEVICES.proto(record))
        case RecordKind.GROUP:
            piece.site_groups.append(GROUPS.proto(record))
        case RecordKind.TARIFF:
            piece.tariffs.append(TARIFFS.proto(record))
