"""The file's JSON Schema, made from the contracts: an editor completes and checks as one types."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from wattmesh.site.v1 import asset_pb2, device_pb2, site_pb2
from wattmesh.type.v1 import tariff_pb2
from wattmesh_sitemodel.site_file.fields import GIVEN

Schema = dict[str, Any]

_PLAIN: Mapping[str, Schema] = {
    "google.protobuf.Duration": {"type": ["string", "number"], "examples": ["10s", "15min", "1h"]},
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "wattmesh.site.v1.Point": {"type": "string", "examples": ["import_energy_wh"]},
}


def document_schema() -> Schema:
    """Return the JSON Schema (2020-12) of a site's file."""
    definitions: dict[str, Schema] = {}
    site = _object(site_pb2.Site.DESCRIPTOR, definitions)
    site["properties"]["id"] = {"type": "string", "description": "The site's id, e.g. home-1."}
    site["required"] = ["id"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A site of Wattmesh",
        "type": "object",
        "required": ["site"],
        "additionalProperties": False,
        "properties": {
            "site": site,
            "tariffs": _by_id(tariff_pb2.Tariff.DESCRIPTOR, definitions),
            "assets": _by_id(asset_pb2.Asset.DESCRIPTOR, definitions),
            "devices": _by_id(device_pb2.Device.DESCRIPTOR, definitions),
        },
        "$defs": definitions,
    }


def _by_id(descriptor: Descriptor, definitions: dict[str, Schema]) -> Schema:
    return {"type": "object", "additionalProperties": _reference(descriptor, definitions)}


def _reference(descriptor: Descriptor, definitions: dict[str, Schema]) -> Schema:
    if descriptor.full_name in _PLAIN:
        return _PLAIN[descriptor.full_name]
    if descriptor.name not in definitions:
        definitions[descriptor.name] = {}  # stands while its own fields refer to it
        definitions[descriptor.name] = _object(descriptor, definitions)
    return {"$ref": f"#/$defs/{descriptor.name}"}


def _object(descriptor: Descriptor, definitions: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: _field(field, definitions)
            for name, field in descriptor.fields_by_name.items()
            if name not in GIVEN
        },
    }


def _field(field: FieldDescriptor, definitions: dict[str, Schema]) -> Schema:
    message = field.message_type
    if message is not None and message.GetOptions().map_entry:
        value = message.fields_by_name["value"]
        return {"type": "object", "additionalProperties": _one(value, definitions)}
    if field.is_repeated:
        return {"type": "array", "items": _one(field, definitions)}
    return _one(field, definitions)


def _one(field: FieldDescriptor, definitions: dict[str, Schema]) -> Schema:
    if field.message_type is not None:
        return _reference(field.message_type, definitions)
    if field.enum_type is not None:
        prefix = field.enum_type.values_by_number[0].name.removesuffix("UNSPECIFIED")
        names = [value.name.removeprefix(prefix).lower() for value in field.enum_type.values]
        return {"enum": names[1:]}
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            return {"type": "string"}
        case FieldDescriptor.TYPE_BOOL:
            return {"type": "boolean"}
        case FieldDescriptor.TYPE_DOUBLE | FieldDescriptor.TYPE_FLOAT:
            return {"type": "number"}
        case _:
            return {"type": "integer"}
