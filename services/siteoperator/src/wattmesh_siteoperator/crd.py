"""`python -m wattmesh_siteoperator.crd`: prints the definition of the resource `Site`.

It is made from the contracts, as the schema of `wattmesh site schema` is, in the dialect of
Kubernetes: nothing refers, every value has one type, and unknown fields are the API server's to
refuse (`kubectl apply --validate=strict`, or `--server-side`).
"""

from collections.abc import Mapping
from typing import Any

import yaml

from wattmesh_sitemodel.site_file.schema import document_schema
from wattmesh_siteoperator.api.kubernetes import (
    DELETE,
    GROUP,
    KIND,
    PLURAL,
    RETAIN,
    SECTIONS,
    VERSION,
)

Schema = dict[str, Any]

_HEAD = "# Made by `python -m wattmesh_siteoperator.crd`; the contracts are its source.\n"
_CONDITION: Schema = {
    "type": "object",
    "required": ["type", "status", "reason", "message", "lastTransitionTime"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
        "reason": {"type": "string"},
        "message": {"type": "string"},
        "observedGeneration": {"type": "integer", "format": "int64"},
        "lastTransitionTime": {"type": "string", "format": "date-time"},
    },
}
_COUNT: Schema = {"type": "integer"}
_STATUS: Schema = {
    "type": "object",
    "properties": {
        "observedGeneration": {"type": "integer", "format": "int64"},
        "site": {"type": "string", "description": "Its name in the mesh."},
        "tariffs": _COUNT,
        "assets": _COUNT,
        "devices": _COUNT,
        "further": {
            "type": "array",
            "items": {"type": "string"},
            "description": "What the site has besides, and this does not say.",
        },
        "conditions": {
            "type": "array",
            "items": _CONDITION,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    },
}
_COLUMNS = (
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', 0),
    ("Reason", "string", '.status.conditions[?(@.type=="Ready")].reason', 0),
    ("Assets", "integer", ".status.assets", 0),
    ("Devices", "integer", ".status.devices", 0),
    ("Message", "string", '.status.conditions[?(@.type=="Ready")].message', 1),
    ("Age", "date", ".metadata.creationTimestamp", 0),
)


def definition() -> Schema:
    """Return the CustomResourceDefinition."""
    names = {"kind": KIND, "listKind": f"{KIND}List", "plural": PLURAL, "singular": KIND.lower()}
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            {"name": name, "type": kind, "jsonPath": path, "priority": priority}
            for name, kind, path, priority in _COLUMNS
        ],
        "schema": {"openAPIV3Schema": _resource()},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def text() -> str:
    """Return the definition as its file holds it."""
    made = yaml.dump(
        definition(), Dumper=_WithoutAnchors, sort_keys=False, width=120, allow_unicode=True
    )
    return f"{_HEAD}{made}"


class _WithoutAnchors(yaml.SafeDumper):
    """Writes what is said twice twice: each place is read by itself."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _resource() -> Schema:
    document = document_schema()
    parts, known = document["properties"], document["$defs"]
    spec = {name: _structural(parts[name], known) for name in ("site", *SECTIONS)}
    del spec["site"]["properties"]["id"], spec["site"]["required"]
    spec["site"]["description"] = "The site; its id is the name of this resource."
    spec["prune"] = {
        "type": "boolean",
        "description": "Delete assets and devices of the site that this does not say.",
    }
    spec["deletionPolicy"] = {
        "type": "string",
        "enum": [RETAIN, DELETE],
        "default": RETAIN,
        "description": "Whether the site ends when this is deleted; its readings stay in any case.",
    }
    return {
        "type": "object",
        "description": "A site of Wattmesh, with its assets, devices and tariffs.",
        "required": ["spec"],
        "properties": {
            "spec": {"type": "object", "required": ["site"], "properties": spec},
            "status": _STATUS,
        },
    }


def _structural(schema: Schema, known: Mapping[str, Schema]) -> Schema:
    """Return a schema as API servers take it: without references, with one type a value."""
    if "$ref" in schema:
        return _structural(known[schema["$ref"].rpartition("/")[2]], known)
    found: Schema = {}
    for key, value in schema.items():
        match key:
            case "properties":
                found[key] = {name: _structural(each, known) for name, each in value.items()}
            case "items":
                found[key] = _structural(value, known)
            case "additionalProperties" if isinstance(value, dict):
                found[key] = _structural(value, known)
            case "type":
                found[key] = value if isinstance(value, str) else value[0]
            case "enum":
                found.update({"type": "string", key: value})
            case "description" | "format" | "required":
                found[key] = value
            case _:  # `examples`, and `additionalProperties: false`: pruning does that
                pass
    return found


if __name__ == "__main__":
    print(text(), end="")
