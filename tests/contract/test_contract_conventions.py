"""The conventions of protos/README.md that buf has no rule for."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import FieldDescriptor as Field

ROOT = Path(__file__).parents[2] / "protos" / "python"

UNSIGNED = {Field.TYPE_UINT32, Field.TYPE_UINT64, Field.TYPE_FIXED32, Field.TYPE_FIXED64}
TIMESTAMP = "google.protobuf.Timestamp"
FLOATING = {Field.TYPE_DOUBLE, Field.TYPE_FLOAT}

WITH_UNIT = re.compile(
    r".*_(w|wh|kw|kwh|var|v|a|hz|m|kg|ms|gco2e|celsius|kelvin|degrees|ratios?|factor)"
    r"(_per_[a-z_]+)?$"
)
WITHOUT_UNIT = re.compile(
    # What takes its unit from the quantity beside it, from a currency, or has none.
    r"(.*_)?(values?|quantity|quantiles|ratio|cop|multiplier|weight|price(_per_\w+)?|cost(_per_\w+)?"
    r"|amount|asked|possible|wished|planned|shortfall|value_per_unit)$"
)


def messages() -> Iterator[Any]:
    """Every message of our packages, nested ones too."""
    for file in sorted(ROOT.rglob("*_pb2.py")):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        yield from _nested(importlib.import_module(module).DESCRIPTOR.message_types_by_name)


def _nested(types: Any) -> Iterator[Any]:
    for message in types.values():
        if not message.GetOptions().map_entry:
            yield message
            yield from _nested(message.nested_types_by_name)


MESSAGES = list(messages())
FIELDS = [field for message in MESSAGES for field in message.fields]


def names(fields: list[Any]) -> list[str]:
    return [field.full_name for field in fields]


def test_there_are_contracts() -> None:
    assert len(MESSAGES) > 100


def test_no_integer_is_unsigned() -> None:
    assert names([field for field in FIELDS if field.type in UNSIGNED]) == []


def test_every_list_is_paged() -> None:
    for message in MESSAGES:
        fields = set(message.fields_by_name)
        if re.match(r"List\w+Request", message.name):
            assert {"page_size", "page_token"} <= fields, message.full_name
        if re.match(r"List\w+Response", message.name):
            assert "next_page_token" in fields, message.full_name


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
    verbs = re.compile(r"(Create|Submit|IssueCommand|SetLimit|Trigger|Train)\w*Request")
    once_only = [
        message.full_name
        for message in MESSAGES
        if verbs.match(message.name) and "request_id" not in message.fields_by_name
    ]
    assert once_only == []


def test_package_folder_and_version_agree() -> None:
    files = {message.file.name: message.file.package for message in MESSAGES}
    for name, package in files.items():
        assert package.replace(".", "/") == name.rpartition("/")[0]
        assert package.endswith(".v1")
