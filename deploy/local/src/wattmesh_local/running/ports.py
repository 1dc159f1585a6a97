"""Free ports on loopback."""

import socket
from contextlib import ExitStack

from wattmesh_kernel.errors import Unavailable

LOOPBACK = "127.0.0.1"


def free_targets(count: int) -> list[str]:
    """Return `count` addresses host:port that nothing listens on now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [f"{LOOPBACK}:{each.getsockname()[1]}" for each in sockets]


FIRST_KNOWN_PORT = 17_550
"""The broker's port on a mesh for one's own devices; the processes follow in their order.

Below the ports that the system gives to outgoing connections.
"""


KNOWN_WEB_PORT = FIRST_KNOWN_PORT - 1
"""The dashboard's, before all others: a page that is open finds it whatever processes are added."""


def known_targets(count: int, first: int = FIRST_KNOWN_PORT) -> list[str]:
    """Return the same addresses host:port each time; Unavailable when one is in use."""
    ports = range(first, first + count)
    with ExitStack() as stack:
        for port in ports:
            each = stack.enter_context(socket.socket())
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                each.bind((LOOPBACK, port))
            except OSError as error:
                message = f"port {port} on {LOOPBACK} is in use: {error.strerror}"
                raise Unavailable("DEPENDENCY_UNAVAILABLE", message) from error
    return [f"{LOOPBACK}:{port}" for port in ports]
