"""One connector of a charge point, as a device that speaks by itself and takes leased limits."""

import json
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from wattmesh_gateway.domain.command import ReadBack
from wattmesh_gateway.domain.errors import DeviceRefused
from wattmesh_gateway.domain.reading import Reading
from wattmesh_gateway.domain.telegram import Telegram
from wattmesh_gateway.drivers.ocpp.dialect import Dialect, Limit, ProfileSlot, Request
from wattmesh_gateway.drivers.ocpp.heard import Json, Measured, Nonsense
from wattmesh_gateway.drivers.ocpp.hearing import hear
from wattmesh_gateway.drivers.ocpp.limits import current_limit, limit_for, same, setpoint_of
from wattmesh_gateway.drivers.ocpp.profile import OcppProfile
from wattmesh_gateway.drivers.ocpp.versions import DIALECTS
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Device, OcppConnection

log = logging.getLogger(__name__)

_CLEARED = ("Accepted", "Unknown")


class Station(Protocol):
    """The charge point that a connector is a part of."""

    @property
    def dialect(self) -> Dialect:
        """The version that it speaks; DeviceUnavailable while it is away."""

    async def ask(self, request: Request) -> Json:
        """Ask it something; errors: DeviceUnavailable, DeviceRefused."""


class OcppDevice:
    """Speaks through its charge point.

    On each connection it is prepared, and told its failsafe before it may have any limit: without
    one it would go on as it was made when the lease of that ends.
    """

    def __init__(
        self,
        device: Device,
        connection: OcppConnection,
        profile: OcppProfile,
        station: Station,
        clock: Clock,
        *,
        begin: "Callable[[OcppDevice], None]",
    ) -> None:
        self._device = device
        self._profile = profile
        self._station = station
        self._clock = clock
        self._begin = begin
        self._points = device.points & profile.points
        self.id: DeviceId = device.id
        self.charge_point_id = connection.charge_point_id
        self.connector = connection.connector_id
        self.prepared = False
        """Whether all is on its way that it is told on this connection."""
        self._safe = False

    @property
    def interval_seconds(self) -> int:
        """How often it is to send meter values."""
        return int(self._device.reporting_interval.total_seconds())

    def begin(self) -> None:
        """Listen to it from now on, until it is closed."""
        self._begin(self)

    def understand(self, origin: str, payload: bytes, arrival: datetime) -> Sequence[Telegram]:
        """Return what a message that was set aside says; nothing when it is none of this device's.

        Of sessions and transactions it says nothing any more.
        """
        version, _, rest = origin.partition("/")
        charge_point, _, action = rest.rpartition("/")
        dialect = DIALECTS.get(version)
        if charge_point != self.charge_point_id or dialect is None:
            return ()
        try:
            heard = hear(dialect, action, json.loads(payload)[3], arrival)
        except Nonsense as error:
            return [Telegram(device=self.id, problems=[str(error)], understood=False)]
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            return [Telegram(device=self.id, problems=[repr(error)], understood=False)]
        if heard.connector not in (None, 0, self.connector):
            return ()
        return [self.telegram(heard.measured, heard.problems)]

    def telegram(self, measured: Sequence[Measured], problems: Sequence[str] = ()) -> Telegram:
        """Return what was measured as readings of the points that the site model gives it."""
        readings = [
            Reading(point=self._device.point(quantity), measure_time=each.time, value=value)
            for each in measured
            for quantity, value in each.values.items()
            if quantity in self._points
        ]
        return Telegram(device=self.id, readings=readings, problems=problems)

    def dialled_in(self) -> None:
        """Take note that its charge point has a new connection: it may have been another before."""
        self.prepared = self._safe = False

    async def make_safe(self) -> None:
        """Tell it its failsafe, once a connection; DeviceUnavailable.

        One that it refuses it does without, as it was made.
        """
        failsafe = self._failsafe
        if failsafe is not None and not self._safe:
            slot, dialect = self._slot(leased=False), self._station.dialect
            request = dialect.set_limit(self.connector, slot, failsafe, self._clock.now(), None)
            try:
                _check_status(await self._station.ask(request), request, ("Accepted",))
            except DeviceRefused as error:
                log.info("%s does without a failsafe: %s", self.id, error)
            self._safe = True

    async def apply(self, kind: SetpointKind, value: float, lease: timedelta) -> "AppliedLimit":
        """Set a limit that the charge point drops when the lease ends; errors as in `holds`."""
        limit = limit_for(self._profile, kind, value)
        await self.make_safe()
        now, slot = self._clock.now(), self._slot(leased=True)
        dialect = self._station.dialect
        request = dialect.set_limit(self.connector, slot, limit, now, now + lease)
        answer = await self._station.ask(request)
        _check_status(answer, request, ("Accepted",))
        return AppliedLimit(self, kind, setpoint_of(self._profile, kind, limit))

    async def holds(self, kind: SetpointKind, value: float) -> ReadBack:
        """Ask whether a limit holds; errors: DeviceUnavailable, DeviceRefused."""
        return await self._read_back(kind, limit_for(self._profile, kind, value))

    async def release(self, kind: SetpointKind) -> ReadBack:
        """Drop the leased limit, and ask whether the failsafe holds; errors as in `holds`."""
        request = self._station.dialect.clear_limit(self._slot(leased=True))
        answer = await self._station.ask(request)
        _check_status(answer, request, _CLEARED)
        if self._failsafe is None:
            return ReadBack(value=None)
        return await self._read_back(kind, self._failsafe)

    def ends_by_itself(self, kind: SetpointKind) -> bool:
        """Return whether the charge point drops a limit by itself: each that it takes."""
        return kind in self._profile.setpoint_kinds

    async def _read_back(self, kind: SetpointKind, expected: Limit) -> ReadBack:
        if not self._profile.verify:
            return ReadBack(value=setpoint_of(self._profile, kind, expected))
        dialect = self._station.dialect
        request = dialect.ask_limit(self.connector, self._profile.rate_unit)
        answer = await self._station.ask(request)
        _check_status(answer, request, ("Accepted",))
        found = dialect.limit_of(answer)
        if found is None:
            return ReadBack(value=None, mismatch="the charge point says that no limit holds")
        value = setpoint_of(self._profile, kind, found)
        if same(self._profile, found, expected):
            return ReadBack(value=value)
        wanted = setpoint_of(self._profile, kind, expected)
        return ReadBack(value=value, mismatch=f"{value:g} holds, not {wanted:g}")

    @property
    def _failsafe(self) -> Limit | None:
        current = self._profile.failsafe_current_a
        return None if current is None else current_limit(self._profile, current)

    def _slot(self, *, leased: bool) -> ProfileSlot:
        """Return where a limit is kept; ids are the charge point's, over all its connectors."""
        number = 2 * self.connector + leased
        return ProfileSlot(id=number, stack_level=self._profile.stack_level if leased else 0)


class AppliedLimit:
    """A limit that the charge point accepted."""

    def __init__(self, device: OcppDevice, kind: SetpointKind, value: float) -> None:
        self._device = device
        self._kind = kind
        self.value = value
        """The setpoint as written, rounded to what can be written."""

    async def read_back(self) -> ReadBack:
        """Ask which limit holds; errors: DeviceUnavailable, DeviceRefused."""
        return await self._device.holds(self._kind, self.value)


def _check_status(answer: Json, request: Request, good: Sequence[str]) -> None:
    status = str(answer.get("status"))[:40]
    if status not in good:
        raise DeviceRefused(f"the charge point answered {request.action} with {status}")
