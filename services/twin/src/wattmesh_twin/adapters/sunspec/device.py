"""What every SunSpec device of the twin has: identification, and the way of a read and a write."""

from typing import Protocol

from wattmesh_twin.adapters.sunspec.register_map import Point
from wattmesh_twin.app.run_site import SiteTwin


class RefusedValue(Exception):
    """A write with a value that the device does not accept (Modbus exception 3)."""


class DeviceFailure(Exception):
    """The device cannot answer: not up yet, or nothing was measured (Modbus exception 4)."""


class SunSpecDevice(Protocol):
    """A device behind a Modbus unit id: registers from the base address on."""

    @property
    def unit_id(self) -> int:
        """The Modbus unit id."""

    @property
    def template(self) -> list[int]:
        """The registers as they are before anything is measured."""

    def writable(self) -> set[int]:
        """Return the registers that may be written, as offsets from the base address."""

    def read(self, asked: range) -> list[int]:
        """Return all registers as of now; DeviceFailure when one that is `asked` has no value."""

    def write(self, start: int, values: list[int]) -> None:
        """Take written registers; RefusedValue when they make no sense, with nothing changed."""


def common(*, model: str, serial: str, unit_id: int) -> dict[Point, int | str]:
    """Return the points of the common model 1."""
    return {
        (1, "Mn"): "Wattmesh",
        (1, "Md"): model,
        (1, "Opt"): "simulated",
        (1, "Vr"): "0.1.0",
        (1, "SN"): serial,
        (1, "DA"): unit_id,
    }


def overlaps(a: range, b: range) -> bool:
    """Return whether two spans of registers have one in common."""
    return a.start < b.stop and b.start < a.stop


def require_started(site: SiteTwin) -> None:
    """Raise DeviceFailure while the clock stands before the beginning of the site."""
    if not site.started:
        raise DeviceFailure
