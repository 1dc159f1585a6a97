"""What befalls a running mesh: processes die or stand still, lines break, nonsense comes."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paho.mqtt.publish import single

from tests.chaos.nonsense import TELEGRAMS
from wattmesh_local.mqtt_broker.accounts import Accounts

SPARED = ("twin",)
"""The homes themselves are not to blame: their ledger is what all else is held against."""


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """What faults need to know of the mesh, as its file of state says it."""

    state: Mapping[str, Any]

    @property
    def pids(self) -> dict[str, int]:
        """The processes that run, by name."""
        pids = self.state["pids"].items()
        return {name: pid for name, pid in pids if pid and name not in SPARED}

    @property
    def ports(self) -> dict[str, int]:
        """Where they listen."""
        return {
            name: int(address.rpartition(":")[2])
            for name, address in self.state["processes"].items()
            if name not in SPARED
        }

    @property
    def broker_port(self) -> int:
        """Where the broker listens."""
        return int(self.state["mqtt_url"].rpartition(":")[2])

    def broker_login(self, name: str, *below: str) -> dict[str, str]:
        """Let somebody in at the broker, on some topics."""
        accounts = Accounts(Path(self.state["mqtt_accounts"]))
        return {"username": name, "password": accounts.allow(name, below, again=True)}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that happens, in words; `strike` returns when it is over."""

    kind: str
    words: str
    strike: Callable[[], None]


def kill(mesh: Mesh, dice: random.Random) -> Fault:
    """A process ends at once, without a word."""
    name, pid = dice.choice(sorted(mesh.pids.items()))

    def strike() -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    return Fault(kind="kill", words=f"kill {name}", strike=strike)


def freeze(mesh: Mesh, dice: random.Random) -> Fault:
    """A process stands still for a while, as on a machine that swaps."""
    name, pid = dice.choice(sorted(mesh.pids.items()))
    seconds = dice.uniform(0.5, 8.0)

    def strike() -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(seconds)
            os.kill(pid, signal.SIGCONT)

    return Fault(kind="freeze", words=f"stop {name} for {seconds:.1f} s", strike=strike)


def cut(mesh: Mesh, dice: random.Random) -> Fault:
    """Nothing reaches a process for a while; nobody is told."""
    ports = {**mesh.ports, "broker": mesh.broker_port}
    name, port = dice.choice(sorted(ports.items()))
    seconds = dice.uniform(1.0, 12.0)
    words = f"cut {name} off for {seconds:.1f} s"
    return Fault(kind="cut", words=words, strike=_filtered(port, seconds, ()))


def lose(mesh: Mesh, dice: random.Random) -> Fault:
    """A line to a process loses packets, so that answers come late."""
    ports = {**mesh.ports, "broker": mesh.broker_port}
    name, port = dice.choice(sorted(ports.items()))
    seconds, ratio = dice.uniform(2.0, 15.0), dice.uniform(0.05, 0.3)
    match = ("-m", "statistic", "--mode", "random", "--probability", f"{ratio:.3f}")
    words = f"lose {ratio:.0%} of what goes to {name} for {seconds:.1f} s"
    return Fault(kind="loss", words=words, strike=_filtered(port, seconds, match))


def poison(mesh: Mesh, dice: random.Random) -> Fault:
    """A sender that is let in sends what no meter would, on topics of real meters and others."""
    telegrams = dice.sample(TELEGRAMS, k=min(8, len(TELEGRAMS)))

    def strike() -> None:
        where: dict[str, Any] = {"hostname": "127.0.0.1", "port": mesh.broker_port}
        where["auth"] = mesh.broker_login("vandal", "meters")
        for topic, payload in telegrams:
            with suppress(OSError):
                single(topic, payload, qos=1, **where)

    return Fault(kind="poison", words=f"send {len(telegrams)} poisonous telegrams", strike=strike)


ANYWHERE = (kill, kill, freeze, poison)
"""What needs no rights."""
IN_OWN_NETWORK = (*ANYWHERE, cut, lose)
"""With a network of its own, whose lines may be cut."""


def _filtered(port: int, seconds: float, match: tuple[str, ...]) -> Callable[[], None]:
    """Drop what goes to and comes from a port for a while."""
    rules = [
        ("INPUT", "-p", "tcp", side, str(port), *match, "-j", "DROP")
        for side in ("--dport", "--sport")
    ]

    def strike() -> None:
        for rule in rules:
            subprocess.run(["iptables", "-I", *rule], check=True)
        try:
            time.sleep(seconds)
        finally:
            for rule in rules:
                subprocess.run(["iptables", "-D", *rule], check=True)

    return strike
