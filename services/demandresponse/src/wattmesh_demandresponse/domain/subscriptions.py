"""Who wants to be called back about what: OpenADR's subscriptions, and what they are told."""

import fnmatch
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import InvalidArgument

Json = Mapping[str, Any]

OBJECTS = ("EVENT", "REPORT", "VEN", "RESOURCE")
CREATE, READ, UPDATE, DELETE = "CREATE", "READ", "UPDATE", "DELETE"
OLDER_OPERATIONS = {"POST": CREATE, "PUT": UPDATE, "DELETE": DELETE, "GET": READ}
"""OpenADR 3.0 names operations by their HTTP methods."""
_READING = (READ, "GET")
_MOST_OPERATIONS = 20
_LONGEST = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What is told to one address: of these objects these operations, each by its word there."""

    objects: frozenset[str]
    operations: Mapping[str, str]
    url: str
    token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """What a client wants to be told; `program_id`, `targets` empty: of all."""

    id: str
    client_id: str
    program_id: str
    targets: frozenset[str]
    wanted: tuple[Wanted, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Happened:
    """An operation on an object, whose program and targets are these."""

    kind: str
    operation: str
    document: Json
    program_id: str = ""
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CallBack:
    """What is posted where."""

    url: str
    token: str
    body: Json


def subscription_from_json(
    subscription_id: str, client_id: str, given: Json, hosts: Sequence[str]
) -> Subscription:
    """Return a subscription whose addresses are at `hosts` (`*.example.org`).

    Error: InvalidArgument with the field.
    """
    operations = given.get("objectOperations")
    known = isinstance(operations, Sequence) and not isinstance(operations, str)
    require(
        known and 0 < len(operations or ()) <= _MOST_OPERATIONS,
        "MISSING_FIELD",
        f"1 to {_MOST_OPERATIONS} objectOperations are required",
        "objectOperations",
    )
    return Subscription(
        id=subscription_id,
        client_id=client_id,
        program_id=_text(given.get("programID"), "programID"),
        targets=frozenset(target_values(given.get("targets"))),
        wanted=tuple(_wanted(each, hosts) for each in operations or ()),
    )


def call_backs(subscription: Subscription, happened: Happened) -> list[CallBack]:
    """Return whom a subscription has called back about what happened."""
    elsewhere = subscription.program_id not in ("", happened.program_id)
    others = subscription.targets and not subscription.targets & set(happened.targets)
    if elsewhere or others:
        return []
    return [
        CallBack(
            url=each.url,
            token=each.token,
            body={
                "objectType": happened.kind,
                "operation": each.operations[happened.operation],
                "object": happened.document,
                "targets": list(happened.targets),
            },
        )
        for each in subscription.wanted
        if happened.kind in each.objects and happened.operation in each.operations
    ]


def target_values(targets: Any) -> set[str]:
    """Return the names of targets: strings (3.1), or objects with values (3.0)."""
    found: set[str] = set()
    for each in targets if isinstance(targets, Sequence) and not isinstance(targets, str) else ():
        if isinstance(each, str):
            found.add(each)
        elif isinstance(each, Mapping):
            values = each.get("values", ())
            found |= {str(value) for value in values} if isinstance(values, list) else set()
    return found


def _wanted(given: Any, hosts: Sequence[str]) -> Wanted:
    if not isinstance(given, Mapping):
        raise InvalidArgument("INVALID_VALUE", "an object is expected", field="objectOperations")
    words = _words(given.get("operations"), "operations")
    return Wanted(
        objects=frozenset(_words(given.get("objects"), "objects")),
        operations={
            OLDER_OPERATIONS.get(each, each): each for each in words if each not in _READING
        },
        url=_address(given.get("callbackUrl"), hosts),
        token=_text(given.get("bearerToken"), "bearerToken"),
    )


def _words(given: Any, field: str) -> list[str]:
    known = isinstance(given, list) and bool(given) and len(given) <= _MOST_OPERATIONS
    words = [str(each) for each in given] if known else []
    require(bool(words), "MISSING_FIELD", f"{field} are required", f"objectOperations.{field}")
    allowed: Collection[str] = {CREATE, UPDATE, DELETE, *OLDER_OPERATIONS, *_READING}
    if field == "operations" and not set(words) <= set(allowed):
        raise InvalidArgument(
            "UNKNOWN_VALUE", f"operations are {sorted(allowed)}", field="objectOperations"
        )
    return words


def _address(given: Any, hosts: Sequence[str]) -> str:
    url = _text(given, "callbackUrl")
    field = "objectOperations.callbackUrl"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise InvalidArgument("INVALID_VALUE", "that is no address", field=field) from error
    require(
        parts.scheme in ("http", "https") and bool(host) and parts.username is None,
        "INVALID_VALUE",
        "an address is http or https, of a host, without a name or password",
        field,
    )
    require(
        url.isascii() and url.isprintable() and " " not in url, "INVALID_VALUE", "no URL", field
    )
    require(
        any(fnmatch.fnmatchcase(host, each.lower()) for each in hosts),
        "INVALID_VALUE",
        f"{host} is none of the hosts that are called back",
        field,
    )
    return url


def _text(given: Any, field: str) -> str:
    text = "" if given is None else given
    if not isinstance(text, str) or len(text) > _LONGEST or "\r" in text or "\n" in text:
        raise InvalidArgument("INVALID_VALUE", f"{field} is a line of text", field=field)
    return text
