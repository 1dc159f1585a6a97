"""The conventions of protos/README.md that buf has no rule for."""

import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor as Field

from tests.fakes.proto_sources import PROTOS, field_comments, files, installed_protos
from wattmesh.type.v1 import permission_pb2

ROOT = PROTOS / "python"

UNSIGNED = {Field.TYPE_UINT32, Field.TYPE_UINT64, Field.TYPE_FIXED32, Field.TYPE_FIXED64}
TIMESTAMP = "google.protobuf.Timestamp"
FLOATING = {Field.TYPE_DOUBLE, Field.TYPE_FLOAT}

WITH_UNIT = re.compile(
    r".*_(w|wh|kw|kwh|var|va|v|a|hz|m|kg|ms|pa|gco2e|celsius|kelvin|kelvin_hours|degrees|ratios?|factor)"
    r"(_per_[a-z0-9_]+)?$"
)
WITHOUT_UNIT = re.compile(
    # What takes its unit from the quantity beside it, from a currency, or has none.
    r"(.*_)?(values?|quantity|quantiles|ratio|cop|multiplier|weight|price(_per_\w+)?|cost(_per_\w+)?"
    r"|amount|asked|cycles|possible|required|planned|shortfall|value_per_unit)$"
)


REQUESTS = ("Request", "Response")
NOT_ASKED_FOR = {
    # A name here is that of something served elsewhere, or of a part of the answer.
    "wattmesh.optimizer.v1.Asset": "a part of a problem",
    "wattmesh.optimizer.v1.Site": "a part of a problem",
    "wattmesh.optimizer.v1.SiteGroup": "a part of a problem",
    "wattmesh.site.v1.Point": "a part of a device",
    "wattmesh.metering.v1.Quantity": "a catalogue of a few, which is listed as a whole",
}

LOOKS_BY_ANOTHER_NAME = {
    "StreamEnergy",
    "StreamPlannedExchange",
    "BatchQuerySeries",
    "ComputeBaseline",
    "ComputeAvoidedEmissions",
    "ComputeFootprint",
    "ComputeMatching",
    "DryRun",
    "EvaluateForecasts",
    "FindBestWindow",
    "ForecastAverageIntensity",
    "ForecastMarginalIntensity",
    "PreviewChange",
    "VerifyAuditRecords",
}


def descriptors() -> Iterator[Any]:
    """Every file of our packages."""
    for file in sorted(ROOT.rglob("*_pb2.py")):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        yield importlib.import_module(module).DESCRIPTOR


def messages() -> Iterator[Any]:
    """Every message of our packages, nested ones too."""
    for file in descriptors():
        yield from _nested(file.message_types_by_name)


def _nested(types: Any) -> Iterator[Any]:
    for message in types.values():
        if not message.GetOptions().map_entry:
            yield message
            yield from _nested(message.nested_types_by_name)


MESSAGES = list(messages())
FIELDS = [field for message in MESSAGES for field in message.fields]
SERVICES = [service for file in descriptors() for service in file.services_by_name.values()]
METHODS = {method.name: method for service in SERVICES for method in service.methods}


def names(fields: list[Any]) -> list[str]:
    return [field.full_name for field in fields]


def test_there_are_contracts() -> None:
    assert len(MESSAGES) > 100


def test_no_integer_is_unsigned() -> None:
    assert names([field for field in FIELDS if field.type in UNSIGNED]) == []


def of_verb(verb: str, what: str = "Request") -> list[Any]:
    """Requests (or responses) of the methods that begin with a verb."""
    methods = [method for method in METHODS.values() if method.name.startswith(verb)]
    return [each.input_type if what == "Request" else each.output_type for each in methods]


def without(field: str, found: list[Any]) -> list[str]:
    return [message.full_name for message in found if field not in message.fields_by_name]


def test_every_list_has_a_parent_and_is_paged() -> None:
    requests = of_verb("List")
    for field in ("parent", "page_size", "page_token"):
        assert without(field, requests) == []
    assert without("next_page_token", of_verb("List", "Response")) == []


def test_every_update_has_a_mask_and_its_resource_an_etag() -> None:
    updates = of_verb("Update")
    assert without("update_mask", updates) == []
    resources = [message.fields[0].message_type for message in updates]
    assert without("etag", resources) == []
    assert len(resources) > 10


def test_every_resource_can_be_got_and_listed_and_what_is_created_can_be_deleted() -> None:
    for message in MESSAGES:
        named = "name" in message.fields_by_name and not message.name.endswith(REQUESTS)
        if not named or message.full_name in NOT_ASKED_FOR:
            continue
        listed = {f"List{message.name}s", f"List{message.name.removesuffix('y')}ies"}
        assert f"Get{message.name}" in METHODS, message.full_name
        assert listed & set(METHODS), message.full_name
        if f"Create{message.name}" in METHODS:
            assert f"Delete{message.name}" in METHODS, message.full_name
            assert f"Update{message.name}" in METHODS, message.full_name


def test_every_exception_is_still_needed() -> None:
    assert set(NOT_ASKED_FOR) <= {message.full_name for message in MESSAGES}


def test_every_rpc_says_one_permission_and_every_permission_is_asked_for() -> None:
    asked = {
        method.full_name: method.GetOptions().Extensions[permission_pb2.permission]
        for service in SERVICES
        for method in service.methods
    }
    silent = [name for name, permission in asked.items() if not permission]
    assert silent == []
    known = set(permission_pb2.Permission.values()) - {permission_pb2.PERMISSION_UNSPECIFIED}
    assert set(asked.values()) == known


def test_what_only_looks_needs_no_permission_to_write() -> None:
    for service in SERVICES:
        for method in service.methods:
            number = method.GetOptions().Extensions[permission_pb2.permission]
            name = permission_pb2.Permission.Name(number)
            looks = method.name.startswith(("Get", "List", "Watch", "Query"))
            assert looks == name.endswith("_READ") or method.name in LOOKS_BY_ANOTHER_NAME, name


def test_every_enum_begins_with_what_was_not_said() -> None:
    enums = [enum for file in descriptors() for enum in file.enum_types_by_name.values()]
    for enum in enums:
        assert enum.values_by_number[0].name.endswith("_UNSPECIFIED"), enum.full_name
    assert len(enums) > 20


def test_a_range_of_time_is_called_range() -> None:
    typed = [field for field in FIELDS if field.message_type]
    ranges = [f for f in typed if f.message_type.full_name == "wattmesh.type.v1.TimeRange"]
    assert names([field for field in ranges if not re.match(r"(.*_)?ranges?$", field.name)]) == []


def test_settled_money_is_decimal_text_and_every_price_says_its_currency() -> None:
    comments = field_comments()
    for field in FIELDS:
        comment = comments.get(field.full_name, "").lower()
        if re.search(r"(^|_)(price|cost|adder)s?(_per_|$)", field.name) and field.type in FLOATING:
            assert "currency" in comment, field.full_name
        if re.search(r"amount$", field.name) and field.type == Field.TYPE_STRING:
            assert "decimal" in comment, field.full_name


def test_nothing_is_imported_that_plain_tools_do_not_have() -> None:
    ours = ("wattmesh/", "google/protobuf/")
    for file in files():
        assert [each for each in file.dependency if not each.startswith(ours)] == [], file.name


def test_plain_protoc_reads_the_folder() -> None:
    """`protoc -I protos`: an integrator has google/protobuf with the compiler and nothing else."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTOS}", f"-I{installed_protos()}"),
            f"--descriptor_set_out={os.devnull}",
            *sorted(str(path) for path in PROTOS.glob("wattmesh/*/v1/*.proto")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [("lint",), ("build", "--output", os.devnull)])
def test_plain_buf_works_in_the_folder(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Without a network and without a word about where things are."""
    surroundings = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "HTTPS_PROXY": "127.0.0.1:1"}
    buf = Path(sys.executable).parent / "buf"
    done = subprocess.run(
        [str(buf), *arguments],
        cwd=PROTOS,
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_readme_names_every_package() -> None:
    readme = (PROTOS / "README.md").read_text()
    packages = {message.file.package for message in MESSAGES}
    assert [package for package in sorted(packages) if f"`{package}`" not in readme] == []


def test_every_number_says_its_unit() -> None:
    numbers = [field for field in FIELDS if field.type in FLOATING]
    silent = [
        field
        for field in numbers
        if not WITH_UNIT.match(field.name) and not WITHOUT_UNIT.match(field.name)
    ]
    assert names(silent) == []


def test_numbers_are_double() -> None:
    assert names([field for field in FIELDS if field.type == Field.TYPE_FLOAT]) == []


def test_a_point_in_time_is_called_time() -> None:
    typed = [field for field in FIELDS if field.message_type]
    times = [field for field in typed if field.message_type.full_name == TIMESTAMP]
    assert names([field for field in times if not re.match(r"(.*_)?times?$", field.name)]) == []


def test_every_resource_has_its_name_first() -> None:
    named = [message for message in MESSAGES if "name" in message.fields_by_name]
    wrong = [message.full_name for message in named if message.fields_by_name["name"].number != 1]
    assert wrong == []


def test_creates_and_commands_can_be_repeated() -> None:
    verbs = ("Create", "Submit", "IssueCommand", "SetLimit", "Trigger", "Train", "Decide")
    assert without("request_id", [each for verb in verbs for each in of_verb(verb)]) == []


def test_package_folder_and_version_agree() -> None:
    files = {message.file.name: message.file.package for message in MESSAGES}
    for name, package in files.items():
        assert package.replace(".", "/") == name.rpartition("/")[0]
        assert package.endswith(".v1")
