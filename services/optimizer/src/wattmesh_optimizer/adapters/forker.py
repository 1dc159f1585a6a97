"""The process that forks the workers: it has everything imported, so a fork takes milliseconds.

It never solves, hence it has no threads when it forks. A worker that has ended stays known to it
until the service lets it go, so no signal ever meets another process with a number used again.
"""

import contextlib
import os
import signal
import socket
import struct
from collections.abc import Callable

_ORDER = struct.Struct("!i")
FORK = 0
"""The order to fork; any other number is that of a worker to be ended."""


def fork_on_order(control: socket.socket, work: Callable[[socket.socket], None]) -> None:
    """Fork a worker for every socket that comes, end those that are named, until the line ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which ends us
    ended: set[int] = set()
    while True:
        order, descriptors, _, _ = socket.recv_fds(control, _ORDER.size, 1)
        if not order:
            return
        (number,) = _ORDER.unpack(order)
        if number == FORK:
            control.sendall(_ORDER.pack(_fork(control, descriptors[0], work)))
        else:
            _kill(number)
            ended.add(number)
        ended -= {each for each in ended if _is_gone(each)}


def order_fork(control: socket.socket, line: socket.socket) -> int:
    """Have a worker forked that serves the other end of a line; return its process id."""
    socket.send_fds(control, [_ORDER.pack(FORK)], [line.fileno()])
    answer = control.recv(_ORDER.size)
    if not answer:
        raise ConnectionResetError("the forker has ended")
    (process_id,) = _ORDER.unpack(answer)
    return int(process_id)


def order_end(control: socket.socket, process_id: int) -> None:
    """Have a worker killed, wherever it is."""
    control.sendall(_ORDER.pack(process_id))


def _fork(control: socket.socket, descriptor: int, work: Callable[[socket.socket], None]) -> int:
    process_id = os.fork()
    if process_id:
        os.close(descriptor)
        return process_id
    control.close()
    try:
        work(socket.socket(fileno=descriptor))
    finally:
        os._exit(1)


def _kill(process_id: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process_id, signal.SIGKILL)


def _is_gone(process_id: int) -> bool:
    """Let a worker's number go if it has ended; it may take a while to give back much memory."""
    try:
        return os.waitpid(process_id, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return True
