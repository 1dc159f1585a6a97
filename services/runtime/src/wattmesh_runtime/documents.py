"""Domain values as JSON documents, in both directions, made from their types alone.

For adapters that keep values in a `jsonb` column or a file. Frozen dataclasses become objects with
their fields' names; what they refuse when they are made, they refuse when they are read. A field
that is missing has its default, one that is unknown is ignored: old and new replicas read each
other's documents as long as new fields have defaults.
"""

import dataclasses
import types
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import (
    Any,
    Generic,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)
from zoneinfo import ZoneInfo

import numpy as np
from pydantic_core import (
    CoreConfig,
    CoreSchema,
    SchemaSerializer,
    SchemaValidator,
    ValidationError,
    core_schema,
    from_json,
)

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.series import Series

T = TypeVar("T")

TAG = "type"
"""The key that says which member of a union an object is."""

_CONFIG = CoreConfig(ser_json_inf_nan="strings", ser_json_timedelta="iso8601")


def _time_from_text(text: str) -> datetime:
    """Return a time; datetime's own parser knows UTC at once, where pydantic's zone is slow."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs a zone")
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


_TIME = core_schema.no_info_after_validator_function(
    _time_from_text,
    core_schema.str_schema(strict=True),
    serialization=core_schema.simple_ser_schema("datetime"),
)
_SCALARS: Mapping[Any, CoreSchema] = {
    bool: core_schema.bool_schema(strict=True),
    int: core_schema.int_schema(strict=True),
    float: core_schema.float_schema(),
    str: core_schema.str_schema(strict=True),
    Decimal: core_schema.decimal_schema(allow_inf_nan=False),
    datetime: _TIME,
    date: core_schema.date_schema(),
    time: core_schema.time_schema(),
    timedelta: core_schema.timedelta_schema(),
    type(None): core_schema.none_schema(),
}
_LISTS = (list, Sequence)
_SETS = (frozenset, set, AbstractSet)
_MAPPINGS = (dict, Mapping)


class DocumentCodec(Generic[T]):
    """Documents of one type: `DocumentCodec[Limit](Limit)`, made once and used often.

    It takes frozen dataclasses, ids (their resource names), `Series` (missing is null), enums,
    aware times (UTC, ISO 8601), durations (ISO 8601), decimals (strings), zones, optional values,
    lists, tuples, sets, mappings with string-like keys, and unions of dataclasses, whose members
    are told apart by the name of their class under the key `type`. TypeError for anything else.
    """

    def __init__(self, type_: Any) -> None:
        schema = _schema(type_, {})
        self._reader = SchemaValidator(schema, _CONFIG)
        self._writer = SchemaSerializer(schema, _CONFIG)

    def to_json(self, value: T) -> bytes:
        """Return a value as JSON text."""
        return self._writer.to_json(value)

    def to_document(self, value: T) -> Any:
        """Return a value as what `json.loads` would give: for psycopg's `Jsonb`, say."""
        return from_json(self.to_json(value))

    def from_json(self, text: str | bytes) -> T:
        """Return the value of a JSON text.

        Error: InvalidArgument `INVALID_DOCUMENT`, or whatever the value's own type raises.
        """
        with _invalid_document():
            value: T = self._reader.validate_json(text)
            return value

    def from_document(self, document: Any) -> T:
        """Return the value of a document, as psycopg gives it of a `jsonb` column.

        Error: as `from_json`.
        """
        with _invalid_document():
            value: T = self._reader.validate_python(document)
            return value


def _schema(hint: Any, bound: Mapping[Any, Any]) -> CoreSchema:
    """Return how to read and write a type; `bound` are a generic class's parameters."""
    hint = bound.get(hint, hint)
    if hint in _SCALARS:
        return _SCALARS[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _union(arguments, bound)
    if origin is Literal:
        return core_schema.literal_schema(list(arguments))
    if origin is not None and not dataclasses.is_dataclass(origin):
        return _container(hint, origin, arguments, bound)
    return _class(hint, origin or hint, dict(zip(_parameters(origin), arguments, strict=False)))


def _class(hint: Any, cls: Any, bound: Mapping[Any, Any]) -> CoreSchema:
    if not isinstance(cls, type):
        raise TypeError(f"there are no documents of {hint}")
    if issubclass(cls, Enum):
        return core_schema.enum_schema(cls, list(cls))
    if issubclass(cls, Series):
        return _SERIES
    if issubclass(cls, ZoneInfo):
        return _text(ZoneInfo, ZoneInfo, lambda zone: zone.key)
    if hasattr(cls, "parse") and hasattr(cls, "name"):  # a resource id
        return _text(cls, cls.parse, lambda id_: id_.name)
    if dataclasses.is_dataclass(cls):
        return _dataclass(cls, bound)
    raise TypeError(f"there are no documents of {hint}")


def _container(
    hint: Any, origin: Any, arguments: tuple[Any, ...], bound: Mapping[Any, Any]
) -> CoreSchema:
    each = partial(_schema, bound=bound)
    if origin is tuple and arguments[-1:] == (...,):
        return core_schema.tuple_schema([each(arguments[0])], variadic_item_index=0)
    if origin is tuple:
        return core_schema.tuple_schema([each(one) for one in arguments])
    if origin in _LISTS:
        return core_schema.list_schema(each(arguments[0]))
    if origin in _SETS:
        return core_schema.frozenset_schema(each(arguments[0]))
    if origin in _MAPPINGS:
        return core_schema.dict_schema(each(arguments[0]), each(arguments[1]))
    raise TypeError(f"there are no documents of {hint}")


def _dataclass(cls: Any, bound: Mapping[Any, Any]) -> CoreSchema:
    hints = get_type_hints(cls)
    fields = [each for each in dataclasses.fields(cls) if each.init]
    arguments = core_schema.dataclass_args_schema(
        cls.__name__,
        [
            core_schema.dataclass_field(
                each.name, _with_default(each, _schema(hints[each.name], bound)), kw_only=True
            )
            for each in fields
        ],
        extra_behavior="ignore",
    )
    return core_schema.dataclass_schema(
        cls,
        arguments,
        [each.name for each in fields],
        post_init=hasattr(cls, "__post_init__"),
        slots=hasattr(cls, "__slots__"),
        frozen=True,
        config=_CONFIG,
    )


def _with_default(field: "dataclasses.Field[Any]", schema: CoreSchema) -> CoreSchema:
    if field.default is not dataclasses.MISSING:
        return core_schema.with_default_schema(schema, default=field.default)
    if field.default_factory is not dataclasses.MISSING:
        return core_schema.with_default_schema(schema, default_factory=field.default_factory)
    return schema


def _union(members: tuple[Any, ...], bound: Mapping[Any, Any]) -> CoreSchema:
    """Return a union's schema: objects by their tag, anything else as it is."""
    others = [one for one in members if one is not type(None)]
    schema = _schema(others[0], bound) if len(others) == 1 else _tagged(others, bound)
    return core_schema.nullable_schema(schema) if len(others) < len(members) else schema


def _tagged(members: Sequence[Any], bound: Mapping[Any, Any]) -> CoreSchema:
    schemas = {bound.get(one, one): _schema(one, bound) for one in members}
    objects = {get_origin(one) or one: s for one, s in schemas.items() if _is_object(s)}
    plain = [schema for schema in schemas.values() if not _is_object(schema)]
    choices: dict[Any, CoreSchema] = {cls.__name__: schema for cls, schema in objects.items()}
    if len(choices) < len(objects):
        raise TypeError(f"two members of {members} have the same name")
    tagged = core_schema.tagged_union_schema(choices, discriminator=TAG)
    return core_schema.union_schema(
        [*([tagged] if choices else []), *plain],
        mode="left_to_right",
        serialization=core_schema.plain_serializer_function_ser_schema(
            _TaggedWriter(objects, plain)
        ),
    )


def _is_object(schema: CoreSchema) -> bool:
    return schema["type"] == "dataclass" or schema is _SERIES


class _TaggedWriter:
    """Writes a member of a union, an object with its class's name."""

    def __init__(self, objects: Mapping[Any, CoreSchema], plain: Sequence[CoreSchema]) -> None:
        self._objects = {
            cls: (cls.__name__, SchemaSerializer(schema, _CONFIG).to_python)
            for cls, schema in objects.items()
        }
        union = core_schema.union_schema(list(plain)) if plain else core_schema.none_schema()
        self._plain = SchemaSerializer(union, _CONFIG).to_python

    def __call__(self, value: Any) -> Any:
        found = self._objects.get(type(value))
        if found is None:
            return self._plain(value, mode="json", warnings="error")
        name, write = found
        return {TAG: name, **write(value, mode="json")}


def _text(cls: Any, read: Any, write: Any) -> CoreSchema:
    """Return the schema of a class whose values are written as text, as mapping keys too."""
    return core_schema.no_info_after_validator_function(
        read,
        core_schema.str_schema(strict=True),
        serialization=core_schema.plain_serializer_function_ser_schema(
            write, return_schema=core_schema.str_schema()
        ),
    )


def _series_to_object(series: Series) -> dict[str, Any]:
    values = series.values.tolist()
    return {
        "start": series.start,
        "resolution": series.resolution,
        "values": [None if value != value else value for value in values],
    }


def _series_from_object(parts: dict[str, Any]) -> Series:
    return Series(parts["start"], parts["resolution"], np.array(parts["values"], np.float64))


_SERIES_PARTS = core_schema.typed_dict_schema(
    {
        "start": core_schema.typed_dict_field(_TIME),
        "resolution": core_schema.typed_dict_field(core_schema.timedelta_schema()),
        "values": core_schema.typed_dict_field(
            core_schema.list_schema(core_schema.nullable_schema(core_schema.float_schema()))
        ),
    },
    config=_CONFIG,
)
_SERIES = core_schema.no_info_after_validator_function(
    _series_from_object,
    _SERIES_PARTS,
    serialization=core_schema.plain_serializer_function_ser_schema(
        _series_to_object, return_schema=_SERIES_PARTS
    ),
)


def _parameters(origin: Any) -> tuple[Any, ...]:
    return getattr(origin, "__parameters__", ())


@contextmanager
def _invalid_document() -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, fault["loc"])) or "document"
        raise InvalidArgument("INVALID_DOCUMENT", f"{where}: {fault['msg']}") from error
