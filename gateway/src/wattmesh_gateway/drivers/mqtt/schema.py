"""The schema of profiles of devices that publish JSON telegrams."""

from wattmesh_gateway.drivers.mqtt.paths import parse_path, parse_topic
from wattmesh_gateway.drivers.mqtt.profile import (
    BatchLayout,
    MqttProfile,
    StateFormat,
    TelegramBatch,
    TelegramFormat,
    TelegramPoint,
    TelegramTime,
    TimeFormat,
)
from wattmesh_gateway.drivers.mqtt.setpoint_schema import parse_setpoints
from wattmesh_gateway.profiles.node import Node
from wattmesh_gateway.profiles.parse import ProfileDocument
from wattmesh_gateway.profiles.points import parse_points, parse_scale
from wattmesh_gateway.profiles.words import parse_words


def parse_mqtt_profile(document: ProfileDocument) -> MqttProfile:
    """Read `{telegrams, session, setpoints}`."""
    keys = document.keys(required=("telegrams",), optional=("session", "setpoints"))
    return MqttProfile(
        name=document.name,
        title=document.title,
        protocol=document.protocol,
        source=document.source,
        tested=document.tested,
        telegrams=[_parse_telegram(each) for each in keys["telegrams"].items()],
        session=[_parse_state(each) for each in keys["session"].items()]
        if "session" in keys
        else (),
        setpoints=parse_setpoints(keys["setpoints"]) if "setpoints" in keys else {},
    )


def _parse_telegram(node: Node) -> TelegramFormat:
    """Read `{topic, batch, time, points}`."""
    keys = node.mapping(required=("topic", "time", "points"), optional=("batch",))
    batch = _parse_batch(keys["batch"]) if "batch" in keys else None
    time = _parse_time(keys["time"])
    if batch is not None and time.format is TimeFormat.ARRIVAL:
        raise keys["time"].error("of many times in a telegram arrival is none")
    return TelegramFormat(
        topic=parse_topic(keys["topic"]),
        time=time,
        points=parse_points(keys["points"], _parse_point),
        batch=batch,
    )


def _parse_batch(node: Node) -> TelegramBatch:
    """Read `{layout, path}`."""
    keys = node.mapping(required=("layout",), optional=("path",))
    return TelegramBatch(layout=keys["layout"].choice(BatchLayout), path=parse_path(keys))


def _parse_state(node: Node) -> StateFormat:
    """Read `{topic, path, words}`."""
    keys = node.mapping(required=("topic", "path", "words"))
    return StateFormat(
        topic=parse_topic(keys["topic"]), path=parse_path(keys), words=parse_words(keys["words"])
    )


def _parse_time(node: Node) -> TelegramTime:
    keys = node.mapping(required=("format",), optional=("path",))
    format_ = keys["format"].choice(TimeFormat)
    if (format_ is TimeFormat.ARRIVAL) == ("path" in keys):
        raise node.error("needs a 'path', except with the format 'arrival', which has none")
    return TelegramTime(format=format_, path=parse_path(keys))


def _parse_point(node: Node) -> TelegramPoint:
    keys = node.mapping(required=("path",), optional=("scale",))
    return TelegramPoint(path=parse_path(keys), scale=parse_scale(keys))
