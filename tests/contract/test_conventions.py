"""The conventions of protos/README.md, held against every message and service there is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import (
    Descriptor,
    FieldDescriptor,
    FileDescriptor,
    ServiceDescriptor,
)

from wattmesh.carbon.v1 import carbon_pb2
from wattmesh.control.v1 import control_pb2
from wattmesh.forecast.v1 import forecast_pb2
from wattmesh.gateway.v1 import gateway_link_pb2, gateway_pb2
from wattmesh.metering.v1 import metering_pb2
from wattmesh.optimizer.v1 import asset_pb2, optimizer_pb2, plan_pb2, problem_pb2
from wattmesh.planner.v1 import planner_pb2
from wattmesh.site.v1 import asset_pb2 as site_asset_pb2
from wattmesh.site.v1 import site_pb2

MODULES = (
    *(carbon_pb2, control_pb2, forecast_pb2, gateway_link_pb2, gateway_pb2, metering_pb2),
    *(asset_pb2, optimizer_pb2, plan_pb2, problem_pb2, planner_pb2, site_asset_pb2, site_pb2),
)
FILES: tuple[FileDescriptor, ...] = tuple(module.DESCRIPTOR for module in MODULES)
PROTOS = Path(__file__).resolve().parents[2] / "protos"
UNSIGNED = {
    FieldDescriptor.TYPE_UINT32,
    FieldDescriptor.TYPE_UINT64,
    FieldDescriptor.TYPE_FIXED32,
    FieldDescriptor.TYPE_FIXED64,
}
UNITS = (
    *("_w", "_wh", "_kw", "_kwh", "_v", "_a", "_hz", "_celsius", "_ratio", "_ratios"),
    *(
        "_degrees",
        "_m",
        "_ms",
        "_s",
        "_kg",
        "_gco2e",
        "_cost",
        "_weight",
        "_k_per_w",
    ),
)


def messages() -> Iterator[Descriptor]:
    for file in FILES:
        yield from file.message_types_by_name.values()


def fields() -> Iterator[FieldDescriptor]:
    for message in messages():
        yield from message.fields


def services() -> Iterator[ServiceDescriptor]:
    for file in FILES:
        yield from file.services_by_name.values()


def test_every_contract_is_looked_at() -> None:
    files = {str(path.relative_to(PROTOS)) for path in (PROTOS / "wattmesh").rglob("*.proto")}
    looked_at = {file.name for file in FILES}

    assert {name for name in files if "/type/" not in name} == looked_at


def test_no_number_is_unsigned() -> None:
    assert [field.full_name for field in fields() if field.type in UNSIGNED] == []


def test_lists_are_paged_from_day_one() -> None:
    for service in services():
        for method in service.methods:
            if method.name.startswith("List"):
                asked, answered = (
                    method.input_type.fields_by_name,
                    method.output_type.fields_by_name,
                )
                paged = {"page_size", "page_token"} <= set(asked) or method.name == "ListLimits"
                assert paged, method.full_name
                assert "next_page_token" in answered, method.full_name


def test_creates_and_commands_can_be_repeated() -> None:
    verbs = ("Create", "Submit", "Issue", "Set", "Trigger", "Train")
    repeated_elsewhere = {"IssueForecasts"}
    for service in services():
        for method in service.methods:
            if method.name.startswith(verbs) and method.name not in repeated_elsewhere:
                assert "request_id" in method.input_type.fields_by_name, method.full_name


def test_physical_numbers_say_their_unit() -> None:
    unnamed = [
        field.full_name
        for field in fields()
        if field.type == FieldDescriptor.TYPE_DOUBLE and not says_its_unit(field)
    ]
    # Values whose unit another field or the enclosing message names.
    named_elsewhere = {
        "value", "values", "requested_value", "read_back_value", "asked", "possible", "wished",
        "planned", "shortfall", "total_value",
    }  # fmt: skip
    assert [name for name in unnamed if name.rpartition(".")[2] not in named_elsewhere] == []


def says_its_unit(field: FieldDescriptor) -> bool:
    return field.name.endswith(UNITS) or "_per_" in field.name or field.name == "ratio"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_package_folder_and_version_agree(file: FileDescriptor) -> None:
    assert file.package.replace(".", "/") == file.name.rpartition("/")[0]
    assert file.package.endswith(".v1")
    assert descriptor_pool.Default().FindFileByName(file.name).package == file.package
