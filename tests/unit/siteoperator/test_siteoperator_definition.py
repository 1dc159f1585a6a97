"""The definition of the resource: made from the contracts, and such as API servers take."""

from collections.abc import Iterator
from typing import Any

import yaml

from tests.fakes.site_file import EVERY_KIND, FILE
from tests.fakes.site_operator import spec_of
from tools.bootstrap import ROOT
from wattmesh_sitemodel.site_file.document import document_from_data, parse_document
from wattmesh_siteoperator.api.kubernetes import wanted_of
from wattmesh_siteoperator.crd import definition, text

FILE_OF_IT = ROOT / "k8s/components/site-operator/site.yaml"
KNOWN = {
    *("type", "properties", "additionalProperties", "items", "required", "enum", "format"),
    *("description", "default", "x-kubernetes-list-type", "x-kubernetes-list-map-keys"),
}


def schema() -> dict[str, Any]:
    (version,) = definition()["spec"]["versions"]
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return found


def values(found: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, found
    for name, each in found.get("properties", {}).items():
        yield from values(each, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in found:
            yield from values(found[key], f"{path}[]")


def test_the_manifest_is_what_the_contracts_say_today() -> None:
    assert FILE_OF_IT.read_text() == text(), "python -m wattmesh_siteoperator.crd > it"


def test_the_schema_is_structural() -> None:
    """An API server refuses the definition else, or keeps no field of what it does not know."""
    for path, each in values(schema()):
        assert isinstance(each.get("type"), str), path
        assert each.keys() <= KNOWN, path
        assert not ({"properties", "additionalProperties"} <= each.keys()), path
        assert each["type"] != "array" or "items" in each, path


def faults(found: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    """What an API server would drop or refuse."""
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}
    if not isinstance(value, kinds.get(found["type"], int | float)):
        yield f"{path}: {value!r} is no {found['type']}"
    elif "enum" in found and value not in found["enum"]:
        yield f"{path}: {value!r}"
    elif isinstance(value, list):
        for each in value:
            yield from faults(found["items"], each, path)
    elif isinstance(value, dict):
        for key, each in value.items():
            inner = found.get("properties", {}).get(key, found.get("additionalProperties"))
            if inner is None:
                yield f"{path}.{key} is dropped"
            else:
                yield from faults(inner, each, f"{path}.{key}")


def test_whatever_a_file_says_a_resource_can_say_and_it_is_the_same_site() -> None:
    for file in (FILE, EVERY_KIND):
        spec, document = spec_of(file), parse_document(file)
        assert list(faults(schema()["properties"]["spec"], spec, "spec")) == []
        name = document.site.name.removeprefix("sites/")
        said = document_from_data(wanted_of(name, yaml.safe_load(yaml.safe_dump(spec))))
        assert dict(said.resources()) == dict(document.resources())
