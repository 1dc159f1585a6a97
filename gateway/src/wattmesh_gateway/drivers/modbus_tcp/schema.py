"""The schema of profiles of Modbus devices: numbers in registers, and how to set them."""

from collections.abc import Mapping, Sequence

from wattmesh_gateway.drivers.modbus_tcp.profile import (
    DEFAULT_BASES,
    DEFAULT_MAX_REGISTERS,
    ModbusProfile,
    Register,
    RegisterTable,
    RegisterType,
    ScaledNumber,
    SetpointProcedure,
    StateNumber,
    SunSpecPoint,
    WordOrder,
    Write,
    WrittenValue,
)
from wattmesh_gateway.drivers.modbus_tcp.sunspec_models import sunspec_model
from wattmesh_gateway.profiles.node import Keys, Node
from wattmesh_gateway.profiles.parse import ProfileDocument
from wattmesh_gateway.profiles.points import parse_points, parse_scale
from wattmesh_gateway.profiles.words import parse_words
from wattmesh_kernel.setpoints import SetpointKind

_SUNSPEC = ("model", "point")
_REGISTER = ("register", "type", "table", "word_order", "missing")
_WRITE = ("value", "percent_of", "verify", "read_back", "skip_at_zero")


def parse_modbus_profile(document: ProfileDocument) -> ModbusProfile:
    """Read `{points, setpoints, session, base_addresses, max_registers, write_single}`."""
    keys = document.keys(
        required=("points",),
        optional=("setpoints", "session", "base_addresses", "max_registers", "write_single"),
    )
    return ModbusProfile(
        name=document.name,
        title=document.title,
        protocol=document.protocol,
        source=document.source,
        tested=document.tested,
        points=parse_points(keys["points"], _parse_scaled_number),
        session=_parse_session(keys),
        setpoints=_parse_setpoints(keys),
        base_addresses=_parse_bases(keys),
        max_registers=_parse_max_registers(keys),
        write_single=keys["write_single"].boolean() if "write_single" in keys else False,
    )


def _parse_setpoints(keys: Keys) -> Mapping[SetpointKind, SetpointProcedure]:
    if "setpoints" not in keys:
        return {}
    return {
        node.key_as(SetpointKind): _parse_procedure(node)
        for node in keys["setpoints"].entries().values()
    }


def _parse_session(keys: Keys) -> Sequence[StateNumber]:
    """Read a list of `{register, type, table, words}`."""
    if "session" not in keys:
        return ()
    return [
        StateNumber(
            number=_scaled_number(each, ("words",)), words=parse_words(each.entries()["words"])
        )
        for each in keys["session"].items()
    ]


def _parse_bases(keys: Keys) -> tuple[int, ...]:
    if "base_addresses" not in keys:
        return DEFAULT_BASES
    return tuple(each.integer(0, 65535) for each in keys["base_addresses"].items())


def _parse_max_registers(keys: Keys) -> int:
    if "max_registers" not in keys:
        return DEFAULT_MAX_REGISTERS
    return keys["max_registers"].integer(1, 125)


def _parse_scaled_number(node: Node) -> ScaledNumber:
    """Read `{model, point, scale}` or `{register, type, table, word_order, scale}`."""
    return _scaled_number(node, ())


def _parse_procedure(node: Node) -> SetpointProcedure:
    """Read `{write, release, minimum, maximum, least, most, again}`."""
    keys = node.mapping(
        required=("write", "release"), optional=("minimum", "maximum", "least", "most", "again")
    )
    writes = [_parse_write(each) for each in keys["write"].items()]
    if not any(each.value is WrittenValue.SETPOINT for each in writes):
        raise keys["write"].error("must write 'setpoint' somewhere")
    return SetpointProcedure(
        write=writes,
        release=_parse_release(keys["release"]),
        minimum=_parse_scaled_number(keys["minimum"]) if "minimum" in keys else None,
        maximum=_parse_scaled_number(keys["maximum"]) if "maximum" in keys else None,
        least=keys["least"].number() if "least" in keys else 0.0,
        most=keys["most"].number() if "most" in keys else None,
        again=keys["again"].boolean() if "again" in keys else False,
    )


def _parse_release(node: Node) -> Sequence[Write]:
    writes = [_parse_write(each) for each in node.items()]
    if any(isinstance(each.value, WrittenValue) for each in writes):
        raise node.error("must write constants only")
    return writes


def _parse_write(node: Node) -> Write:
    number = _scaled_number(node, _WRITE)
    keys = node.entries()
    if "value" not in keys:
        raise node.error("the key 'value' is missing")
    value = _parse_value(keys["value"])
    return Write(
        number=number,
        value=value,
        percent_of=_parse_scaled_number(keys["percent_of"]) if "percent_of" in keys else None,
        verify=(
            keys["verify"].boolean()
            if "verify" in keys
            else value is not WrittenValue.LEASE_SECONDS
        ),
        read_back=_parse_scaled_number(keys["read_back"]) if "read_back" in keys else None,
        skip_at_zero=keys["skip_at_zero"].boolean() if "skip_at_zero" in keys else False,
    )


def _parse_value(node: Node) -> WrittenValue | float:
    for special in WrittenValue:
        if node.is_text(special.value):
            return special
    return node.number()


def _scaled_number(node: Node, extra: tuple[str, ...]) -> ScaledNumber:
    keys = node.entries()
    if "model" in keys:
        node.mapping(required=_SUNSPEC, optional=("scale", *extra))
        return ScaledNumber(location=_parse_sunspec_point(keys), scale=parse_scale(keys))
    node.mapping(required=_REGISTER[:2], optional=(*_REGISTER[2:], "scale", *extra))
    return ScaledNumber(location=_parse_register(keys), scale=parse_scale(keys))


def _parse_sunspec_point(keys: Keys) -> SunSpecPoint:
    node = keys["model"]
    choices = list(node.items()) if node.is_list else [node]
    point = keys["point"].text()
    models = tuple(each.integer(1, 65534) for each in choices)
    for model_id in models:
        model = sunspec_model(model_id)
        if model is None:
            raise node.error(f"SunSpec has no model {model_id}")
        if point not in model.fields:
            raise keys["point"].error(f"SunSpec model {model_id} has no point {point!r}")
    return SunSpecPoint(models=models, point=point)


def _parse_register(keys: Keys) -> Register:
    return Register(
        register=keys["register"].integer(0, 65535),
        type=keys["type"].choice(RegisterType),
        table=keys["table"].choice(RegisterTable) if "table" in keys else RegisterTable.HOLDING,
        word_order=keys["word_order"].choice(WordOrder) if "word_order" in keys else WordOrder.BIG,
        missing=_parse_missing(keys),
    )


def _parse_missing(keys: Keys) -> tuple[int, ...]:
    """Read the raw values by which a device says that it has none."""
    if "missing" not in keys:
        return ()
    return tuple(each.integer(-(2**63), 2**64) for each in keys["missing"].items())
