"""What every request keeps to, whoever serves it: checked once, before any work.

A walk over the message along its descriptor: texts without NUL and of bounded length, lists of
bounded length, times that calendars and databases can hold, page sizes that are not negative, and
a bounded depth, and numbers that arithmetic can work with. What a number or a name means is for the
service to check.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message

from wattmesh_kernel.errors import InvalidArgument

TEXT_CHARACTERS = 1024
"""Longest text of a field that is not listed below."""
LONGEST_TEXTS: Mapping[str, int] = {
    "message": 4096,
    "filter": 4096,
    "page_token": 2048,
    "reason": 4096,
    "secret": 16_384,
    "token": 16_384,
    "tokens": 16_384,
    "uri": 2048,
    "google.protobuf.StringValue.value": 64 * 2**20,
}
"""Longest text, by the name of a field, or by its full name where that says more."""
LIST_ITEMS = 20_000
"""Most messages, texts or entries of a list or map."""
LIST_NUMBERS = 1_000_000
"""Most numbers of a list."""
LARGEST_NUMBER = 1e12
"""Largest magnitude of a `double` of ours; W, Wh and prices are far below. In a list NaN means that
a value is missing; a single one is never NaN."""
JUDGED_ELSEWHERE = ("wattmesh.metering.v1.ReadingBatch.values", "wattmesh.gateway.v1.")
"""Numbers, by field or package, that are judged one by one: they do not end a stream."""
OURS = "wattmesh."
DEPTH = 32
"""Most messages within each other."""
LONG_BYTES = 2**16
"""A request that is longer is checked before it waits for anything."""
FIRST_TIME = datetime(1900, 1, 1, tzinfo=UTC)
LAST_TIME = datetime(2500, 1, 1, tzinfo=UTC)
LONGEST_DURATION_DAYS = 366 * 100

_FIRST_SECOND, _LAST_SECOND = int(FIRST_TIME.timestamp()), int(LAST_TIME.timestamp())
_LONGEST_SECONDS = LONGEST_DURATION_DAYS * 86_400

Rule: TypeAlias = Callable[[Any, str, int], None]
"""Checks a field's value at a path and a depth."""


def decode(deserialize: Callable[[bytes], Any], content: bytes) -> Any:
    """Return the message, or, in its place, what is wrong with it: to be raised later.

    An exception here would pass by every interceptor, and be a caller's fault told as ours. A long
    one is checked at once: otherwise it would wait for its turn in all its size.
    """
    try:
        request = deserialize(content)
        if len(content) > LONG_BYTES:
            check_request(request)
    except DecodeError:
        return InvalidArgument("MALFORMED_REQUEST", "the request cannot be decoded")
    except InvalidArgument as error:
        return error
    return request


def refuse_malformed(request: Any) -> None:
    """Raise what was found to be wrong with a request when it was decoded."""
    if isinstance(request, InvalidArgument):
        raise request


def check_request(request: Any) -> None:
    """Raise InvalidArgument naming the field unless a decoded request keeps to its bounds."""
    refuse_malformed(request)
    if isinstance(request, Message):
        _check_message(request, "", 0)


def _check_message(message: Message, path: str, depth: int) -> None:
    if depth > DEPTH:
        raise InvalidArgument(
            "MALFORMED_REQUEST", "messages too deep within each other", field=path
        )
    rules = _rules(message.DESCRIPTOR)
    for field, value in message.ListFields():
        rule = rules.get(field.name)
        if rule is not None:
            rule(value, f"{path}.{field.name}" if path else field.name, depth)


@cache
def _rules(descriptor: Descriptor) -> Mapping[str, Rule]:
    """Return the rules of a message type's fields; none for those that need none."""
    found = {field.name: _rule(field) for field in descriptor.fields}
    return {name: rule for name, rule in found.items() if rule is not None}


def _rule(field: FieldDescriptor) -> Rule | None:
    if _is_map(field):
        return _map_rule(field)
    if _is_number(field):
        return _check_numbers if field.is_repeated else _check_number
    single = _single_rule(field)
    if not field.is_repeated:
        return single
    most = LIST_ITEMS if single is not None else LIST_NUMBERS
    return _list_rule(single, most)


def _single_rule(field: FieldDescriptor) -> Rule | None:
    if field.type == FieldDescriptor.TYPE_STRING:
        longest = LONGEST_TEXTS.get(field.full_name, LONGEST_TEXTS.get(field.name, TEXT_CHARACTERS))
        return _text_rule(longest)
    part = field.message_type
    if part is not None:
        known: Rule | None = _WELL_KNOWN.get(str(part.full_name))
        return known or _check_part
    if field.name == "page_size":
        return _check_page_size
    return None


def _is_number(field: FieldDescriptor) -> bool:
    """Tell whether a field is a number of ours: tensors of a model server hold what they may."""
    name = str(field.full_name)
    ours = name.startswith(OURS) and not name.startswith(JUDGED_ELSEWHERE)
    return ours and field.type == FieldDescriptor.TYPE_DOUBLE


def _is_map(field: FieldDescriptor) -> bool:
    kind = field.message_type
    return bool(kind is not None and kind.GetOptions().map_entry)


def _map_rule(field: FieldDescriptor) -> Rule:
    entry = field.message_type
    if entry is None:
        raise TypeError(f"{field.full_name} is no map")
    key, value = (_single_rule(entry.fields_by_name[name]) for name in ("key", "value"))

    def check(entries: Any, path: str, depth: int) -> None:
        _check_count(len(entries), LIST_ITEMS, path)
        for name in entries:
            if key is not None:
                key(name, path, depth)
            if value is not None:
                value(entries[name], path, depth)

    return check


def _list_rule(single: Rule | None, most: int) -> Rule:
    def check(values: Any, path: str, depth: int) -> None:
        _check_count(len(values), most, path)
        if single is not None:
            for value in values:
                single(value, path, depth)

    return check


def _text_rule(longest: int) -> Rule:
    def check(text: Any, path: str, depth: int) -> None:
        if len(text) > longest:
            message = f"{path} has {len(text)} characters, more than {longest}"
            raise InvalidArgument("INVALID_TEXT", message, field=path)
        if "\0" in text:
            raise InvalidArgument("INVALID_TEXT", f"{path} has a NUL character", field=path)

    return check


def _check_count(count: int, most: int, path: str) -> None:
    if count > most:
        message = f"{path} has {count} items, more than {most}"
        raise InvalidArgument("TOO_MANY_ITEMS", message, field=path)


def _check_part(message: Any, path: str, depth: int) -> None:
    _check_message(message, path, depth + 1)


def _check_number(number: Any, path: str, depth: int) -> None:
    if not abs(number) <= LARGEST_NUMBER:
        raise _unusable(number, path)


def _check_numbers(numbers: Any, path: str, depth: int) -> None:
    _check_count(len(numbers), LIST_NUMBERS, path)
    if not len(numbers):
        return
    values = np.abs(np.array(numbers, np.float64))
    largest = np.fmax.reduce(values)
    if largest > LARGEST_NUMBER:
        place = int(np.flatnonzero(values > LARGEST_NUMBER)[0])
        raise _unusable(numbers[place], f"{path}[{place}]")


def _unusable(number: float, path: str) -> InvalidArgument:
    message = f"{path} is {number:g}, which is no number of at most {LARGEST_NUMBER:g}"
    return InvalidArgument("INVALID_VALUE", message, field=path)


def _check_page_size(size: Any, path: str, depth: int) -> None:
    if size < 0:
        raise InvalidArgument("INVALID_PAGE_SIZE", f"{path} must not be negative", field=path)


def _check_timestamp(time: Any, path: str, depth: int) -> None:
    if not (_FIRST_SECOND <= time.seconds < _LAST_SECOND and 0 <= time.nanos < 1_000_000_000):
        message = f"{path} is not within the years {FIRST_TIME.year} to {LAST_TIME.year - 1}"
        raise InvalidArgument("INVALID_TIME", message, field=path)


def _check_duration(duration: Any, path: str, depth: int) -> None:
    seconds, nanos = duration.seconds, duration.nanos
    agree = seconds == 0 or nanos == 0 or (seconds < 0) == (nanos < 0)
    if abs(seconds) > _LONGEST_SECONDS or abs(nanos) >= 1_000_000_000 or not agree:
        message = f"{path} is no duration of at most 100 years"
        raise InvalidArgument("INVALID_DURATION", message, field=path)


_WELL_KNOWN: Mapping[str, Rule] = {
    "google.protobuf.Timestamp": _check_timestamp,
    "google.protobuf.Duration": _check_duration,
}
