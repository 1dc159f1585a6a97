"""The schema of setpoints of devices on MQTT."""

from collections.abc import Mapping

from wattmesh_gateway.drivers.mqtt.paths import parse_path, parse_topic
from wattmesh_gateway.drivers.mqtt.profile import (
    SETPOINT,
    GateFormat,
    ReadBackFormat,
    SetpointFormat,
    SwitchWords,
)
from wattmesh_gateway.profiles.node import Keys, Node
from wattmesh_gateway.profiles.points import parse_scale
from wattmesh_kernel.setpoints import SetpointKind

_REQUIRED = ("topic", "payload", "release")
_OPTIONAL = (
    "scale",
    "decimals",
    "step",
    "lowest",
    "least",
    "most",
    "qos",
    "retain",
    "switch",
    "read_back",
    "verify",
    "gate",
)


def parse_setpoints(node: Node) -> Mapping[SetpointKind, SetpointFormat]:
    """Read `{<kind>: {topic, payload, release, …}}`."""
    return {each.key_as(SetpointKind): _parse_setpoint(each) for each in node.entries().values()}


def _parse_setpoint(node: Node) -> SetpointFormat:
    keys = node.mapping(required=_REQUIRED, optional=_OPTIONAL)
    if SETPOINT not in keys["payload"].text():
        raise keys["payload"].error(f"must contain {SETPOINT}, which stands for the value")
    if ("read_back" in keys) == ("verify" in keys):
        raise node.error("needs a 'read_back', or 'verify: false' for a device that says nothing")
    if "verify" in keys and keys["verify"].boolean():
        raise keys["verify"].error("needs a 'read_back'")
    release = keys["release"].mapping(required=("payload",), optional=("value",))
    return SetpointFormat(
        topic=parse_topic(keys["topic"]),
        payload=keys["payload"].text(),
        release_payload=release["payload"].text(),
        release_value=release["value"].number() if "value" in release else None,
        scale=parse_scale(keys),
        decimals=keys["decimals"].integer(0, 6) if "decimals" in keys else 0,
        step=_parse_step(keys),
        lowest=keys["lowest"].number() if "lowest" in keys else None,
        least=keys["least"].number() if "least" in keys else 0.0,
        most=keys["most"].number() if "most" in keys else None,
        qos=keys["qos"].integer(0, 1) if "qos" in keys else 1,
        retain=keys["retain"].boolean() if "retain" in keys else False,
        switch=_parse_switch(keys),
        read_back=_parse_read_back(keys),
        gate=_parse_gate(keys),
    )


def _parse_gate(keys: Keys) -> GateFormat | None:
    """Read `{topic, on, off, read_back}`."""
    if "gate" not in keys:
        return None
    parts = keys["gate"].mapping(required=("topic", "on", "off", "read_back"))
    read_back = _parse_read_back(parts)
    assert read_back is not None, "it is required"
    return GateFormat(
        topic=parse_topic(parts["topic"]),
        words=SwitchWords(on=parts["on"].text(), off=parts["off"].text()),
        read_back=read_back,
    )


def _parse_step(keys: Keys) -> float | None:
    """Read `step`, above 0."""
    if "step" not in keys:
        return None
    if keys["step"].number() <= 0:
        raise keys["step"].error("must be above 0")
    return keys["step"].number()


def _parse_switch(keys: Keys) -> SwitchWords | None:
    """Read `{on, off}`: the words of the device."""
    if "switch" not in keys:
        return None
    words = keys["switch"].mapping(required=("on", "off"))
    return SwitchWords(on=words["on"].text(), off=words["off"].text())


def _parse_read_back(keys: Keys) -> ReadBackFormat | None:
    """Read `{topic, path, within_seconds, switch}`."""
    if "read_back" not in keys:
        return None
    optional = ("within_seconds", "switch")
    parts = keys["read_back"].mapping(required=("topic", "path"), optional=optional)
    within = parts.get("within_seconds")
    if within is not None and within.number() <= 0:
        raise within.error("must be above 0")
    return ReadBackFormat(
        topic=parse_topic(parts["topic"]),
        path=parse_path(parts),
        within_seconds=within.number() if within is not None else 5.0,
        words=_parse_switch(parts),
    )
