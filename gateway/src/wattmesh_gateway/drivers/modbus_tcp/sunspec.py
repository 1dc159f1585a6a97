"""SunSpec discovery: walks a device's chain of models and says where its points lie."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from wattmesh_gateway.domain.errors import DeviceRefused, DeviceUnavailable
from wattmesh_gateway.drivers.modbus_tcp.profile import (
    Register,
    RegisterTable,
    RegisterType,
    SunSpecPoint,
)
from wattmesh_gateway.drivers.modbus_tcp.registers import Number, Span
from wattmesh_gateway.drivers.modbus_tcp.sunspec_models import SunSpecField, sunspec_model

ReadSpan = Callable[[Span], Awaitable[Sequence[int]]]
"""Reads registers; DeviceRefused where the device has none, DeviceUnavailable where it is away."""

_MARKER = (0x5375, 0x6E53)  # "SunS"
_END = 0xFFFF
_MOST_MODELS = 200
_ADDRESSES = 0x1_0000
_EXPONENTS = range(-10, 11)
"""Scale factors that the SunSpec information model specification allows."""

_TYPES: Mapping[str, tuple[RegisterType, tuple[int, ...]]] = {
    "int16": (RegisterType.INT16, (-0x8000,)),
    "sunssf": (RegisterType.INT16, (-0x8000,)),
    "uint16": (RegisterType.UINT16, (0xFFFF,)),
    "enum16": (RegisterType.UINT16, (0xFFFF,)),
    "bitfield16": (RegisterType.UINT16, (0xFFFF,)),
    "acc16": (RegisterType.UINT16, (0,)),
    "count": (RegisterType.UINT16, ()),
    "int32": (RegisterType.INT32, (-0x8000_0000,)),
    "uint32": (RegisterType.UINT32, (0xFFFF_FFFF,)),
    "enum32": (RegisterType.UINT32, (0xFFFF_FFFF,)),
    "bitfield32": (RegisterType.UINT32, (0xFFFF_FFFF,)),
    "acc32": (RegisterType.UINT32, (0,)),
    "int64": (RegisterType.INT64, (-0x8000_0000_0000_0000,)),
    "uint64": (RegisterType.UINT64, (0xFFFF_FFFF_FFFF_FFFF,)),
    "acc64": (RegisterType.UINT64, (0,)),
    "float32": (RegisterType.FLOAT32, ()),
    "float64": (RegisterType.FLOAT64, ()),
}
"""SunSpec types as register types, with the values that mean "not implemented"."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SunSpecMap:
    """Where a device keeps each of its models, and how long each is (without id and length)."""

    addresses: Mapping[int, int]
    lengths: Mapping[int, int]


async def discover(read: ReadSpan, base_addresses: Sequence[int]) -> SunSpecMap:
    """Return the models of a device; DeviceUnavailable while it does not speak SunSpec."""
    for base in base_addresses:
        try:
            words = await read(_span(base, 2))
        except DeviceRefused:
            continue
        if tuple(words) == _MARKER:
            try:
                return await _walk(read, base + 2)
            except DeviceRefused as error:
                raise DeviceUnavailable(f"the chain of SunSpec models breaks: {error}") from error
    raise DeviceUnavailable(f"no SunSpec marker at {', '.join(map(str, base_addresses))}")


async def _walk(read: ReadSpan, start: int) -> SunSpecMap:
    addresses: dict[int, int] = {}
    lengths: dict[int, int] = {}
    at = start
    for _ in range(_MOST_MODELS):
        model_id, length = await read(_span(at, 2))
        if model_id == _END:
            return SunSpecMap(addresses=addresses, lengths=lengths)
        addresses.setdefault(model_id, at)
        lengths.setdefault(model_id, length)
        at += 2 + length
        if at + 2 > _ADDRESSES:
            raise DeviceRefused(f"its model {model_id} of {length} registers ends nowhere")
    raise DeviceRefused(f"it goes on after {_MOST_MODELS} models")


async def resolve(read: ReadSpan, models: SunSpecMap, point: SunSpecPoint) -> Number:
    """Return where a point lies, with its scale factor read; DeviceRefused when it is not there."""
    model_id = next((each for each in point.models if each in models.addresses), None)
    if model_id is None:
        raise DeviceRefused(f"the device has no SunSpec model {'/'.join(map(str, point.models))}")
    field = _field(model_id, point.point)
    if field.offset + field.size > models.lengths[model_id] + 2:
        raise DeviceRefused(f"the device's model {model_id} ends before {point.point}")
    exponent = await _exponent(read, models, model_id, field)
    type_, missing = _TYPES[field.type]
    return Number(
        register=_register(models.addresses[model_id] + field.offset, type_),
        scale=10.0**exponent,
        missing=missing,
    )


async def _exponent(read: ReadSpan, models: SunSpecMap, model_id: int, field: SunSpecField) -> int:
    if field.scale_factor is None or isinstance(field.scale_factor, int):
        return field.scale_factor or 0
    at = models.addresses[model_id] + _field(model_id, field.scale_factor).offset
    type_, missing = _TYPES["sunssf"]
    number = Number(register=_register(at, type_), missing=missing)
    value = number.decode(await read(_span(at, 1)))
    # A scale factor that is not implemented belongs to points that are not either.
    exponent = 0 if value is None else int(value)
    if exponent not in _EXPONENTS:
        raise DeviceRefused(
            f"{exponent} is no scale factor, but {model_id}.{field.scale_factor} says so"
        )
    return exponent


def _field(model_id: int, point: str) -> SunSpecField:
    model = sunspec_model(model_id)
    if model is None or point not in model.fields:
        raise DeviceRefused(f"SunSpec model {model_id} has no point {point}")
    field = model.fields[point]
    if field.type not in _TYPES:
        raise DeviceRefused(f"SunSpec point {model_id}.{point} is no number, but {field.type}")
    return field


def _span(start: int, count: int) -> Span:
    return Span(table=RegisterTable.HOLDING, start=start, count=count)


def _register(at: int, type_: RegisterType) -> Register:
    return Register(register=at, type=type_)
