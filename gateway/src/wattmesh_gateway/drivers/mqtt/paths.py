"""Topics and paths, as profiles write them."""

from wattmesh_gateway.profiles.node import Keys, Node


def parse_topic(node: Node) -> str:
    """Read a topic with the place of the device's address in it."""
    topic = node.text()
    if "{address}" not in topic:
        raise node.error("must contain {address}, which stands for the device's address")
    if set("+#") & set(topic):
        raise node.error("must name one topic, without the wildcards + and #")
    return topic


def parse_path(keys: Keys) -> tuple[str, ...]:
    """Read `ENERGY.Power`, `[a.b, c]` for keys that contain a dot, or `.` for the whole payload."""
    if "path" not in keys or keys["path"].is_text("."):
        return ()
    node = keys["path"]
    if node.is_list:
        return tuple(each.text() for each in node.items())
    return tuple(node.text().split("."))
