"""The part of the schema that describes JSON telegrams."""

from wattmesh_gateway.domain.profile import (
    TelegramFormat,
    TelegramPoint,
    TelegramTime,
    TimeFormat,
)
from wattmesh_gateway.profiles.node import Keys, Node
from wattmesh_gateway.profiles.points import parse_points


def parse_telegram(node: Node) -> TelegramFormat:
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


def parse_scale(keys: Keys) -> float:
    """Read `scale`, 1 where it is left out."""
    if "scale" not in keys:
        return 1.0
    scale = keys["scale"].number()
    if scale == 0.0:
        raise keys["scale"].error("must not be 0")
    return scale
