"""wattmesh.site.v1.Asset ↔ domain.

The fields of every kind of asset have the same names on the wire and in the domain; a test holds
them together.
"""

from dataclasses import fields
from typing import Any

from google.protobuf.message import Message

from wattmesh.site.v1 import asset_pb2
from wattmesh_kernel.ids import AssetId
from wattmesh_metering.domain.assets import KIND_NAMES, KINDS, Asset, AssetKind
from wattmesh_metering.domain.checks import require


def asset_from_proto(proto: asset_pb2.Asset) -> Asset:
    """Return an asset; InvalidArgument when it makes no sense."""
    kind = proto.WhichOneof("kind")
    require(kind is not None, "MISSING_FIELD", "an asset's kind is required", "kind")
    return Asset(
        id=AssetId.parse(proto.name),
        display_name=proto.display_name,
        kind=_kind_from_proto(str(kind), getattr(proto, str(kind))),
    )


def asset_to_proto(asset: Asset) -> asset_pb2.Asset:
    """Return an asset's message."""
    proto = asset_pb2.Asset(name=asset.name, display_name=asset.display_name)
    kind: Message = getattr(proto, KIND_NAMES[type(asset.kind)])
    kind.SetInParent()
    for field in fields(asset.kind):
        value = getattr(asset.kind, field.name)
        if value is not None:
            setattr(kind, field.name, value)
    return proto


def _kind_from_proto(name: str, proto: Message) -> AssetKind:
    kind: type[Any] = KINDS[name]
    values = {
        field.name: getattr(proto, field.name)
        for field in proto.DESCRIPTOR.fields
        if not field.has_presence or proto.HasField(field.name)
    }
    made: AssetKind = kind(**values)
    return made
