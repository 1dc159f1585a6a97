"""The schema of profiles of devices that publish JSON telegrams."""

from wattmesh_gateway.drivers.mqtt.profile import (
    MqttProfile,
    TelegramFormat,
    TelegramPoint,
    TelegramTime,
    TimeFormat,
)
from wattmesh_gateway.profiles.node import Keys, Node
from wattmesh_gateway.profiles.parse import ProfileDocument
from wattmesh_gateway.profiles.points import parse_points, parse_scale


def parse_mqtt_profile(document: ProfileDocument) -> MqttProfile:
    """Read `{telegrams}`."""
    keys = document.keys(required=("telegrams",))
    return MqttProfile(
        name=document.name,
        title=document.title,
        protocol=document.protocol,
        source=document.source,
        telegrams=[_parse_telegram(each) for each in keys["telegrams"].items()],
    )


def _parse_telegram(node: Node) -> TelegramFormat:
    """Read `{topic, time, points}`."""
    keys = node.mapping(required=("topic", "time", "points"))
    return TelegramFormat(
        topic=_parse_topic(keys["topic"]),
        time=_parse_time(keys["time"]),
        points=parse_points(keys["points"], _parse_point),
    )


def _parse_topic(node: Node) -> str:
    topic = node.text()
    if "{address}" not in topic:
        raise node.error("must contain {address}, which stands for the device's address")
    if set("+#") & set(topic):
        raise node.error("must name one topic, without the wildcards + and #")
    return topic


def _parse_time(node: Node) -> TelegramTime:
    keys = node.mapping(required=("format",), optional=("path",))
    format_ = keys["format"].choice(TimeFormat)
    if (format_ is TimeFormat.ARRIVAL) == ("path" in keys):
        raise node.error("needs a 'path', except with the format 'arrival', which has none")
    return TelegramTime(format=format_, path=_parse_path(keys))


def _parse_point(node: Node) -> TelegramPoint:
    keys = node.mapping(required=("path",), optional=("scale",))
    return TelegramPoint(path=_parse_path(keys), scale=parse_scale(keys))


def _parse_path(keys: Keys) -> tuple[str, ...]:
    """Read `ENERGY.Power`, or `[a.b, c]` for keys that contain a dot."""
    if "path" not in keys:
        return ()
    node = keys["path"]
    if node.is_list:
        return tuple(each.text() for each in node.items())
    return tuple(node.text().split("."))
