"""Every reason that a service gives is in the contract with its codes, and no other is."""

from tests.contract.raised_reasons import Raised
from tests.fakes.proto_sources import files
from wattmesh.type.v1 import error_reason_pb2

PREFIX = "ERROR_REASON_"
RAISED = Raised()
ENUMERATED = {
    name.removeprefix(PREFIX)
    for name, number in error_reason_pb2.ErrorReason.items()
    if number != error_reason_pb2.ERROR_REASON_UNSPECIFIED
}
DEPRECATED = {
    value.name.removeprefix(PREFIX)
    for value in error_reason_pb2.ErrorReason.DESCRIPTOR.values
    if value.GetOptions().deprecated
}
"""Older servers gave these; their numbers stay taken."""


def comments() -> dict[str, str]:
    """The comment of every reason in the contract."""
    (file,) = (each for each in files() if each.name.endswith("/error_reason.proto"))
    values = file.enum_type[0].value
    places = file.source_code_info.location
    return {
        values[place.path[3]].name.removeprefix(PREFIX): place.leading_comments
        for place in places
        if len(place.path) == 4
    }


def test_every_reason_can_be_read_from_the_source() -> None:
    """One put together at run time would be missing from the contract unseen."""
    assert RAISED.unread == []


def test_every_reason_that_is_given_is_in_the_contract() -> None:
    assert sorted(set(RAISED.codes) - ENUMERATED) == []


def test_no_reason_is_in_the_contract_that_nobody_gives() -> None:
    assert sorted(ENUMERATED - set(RAISED.codes)) == sorted(DEPRECATED)
    assert len(ENUMERATED) > 100


def test_the_contract_says_with_which_code_each_reason_comes() -> None:
    said = comments()
    wrong = {
        reason: codes
        for reason, codes in RAISED.codes.items()
        if not all(code in said[reason].partition(": ")[0] for code in codes)
    }
    assert wrong == {}
