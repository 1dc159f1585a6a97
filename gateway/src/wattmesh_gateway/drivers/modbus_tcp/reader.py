"""Polls the points of a Modbus device with as few requests as its registers allow."""

import logging
from collections.abc import Mapping, Sequence

from wattmesh_gateway.domain.errors import DeviceRefused
from wattmesh_gateway.domain.profile import PLUGGED_IN
from wattmesh_gateway.domain.reading import Reading
from wattmesh_gateway.domain.session import SessionState
from wattmesh_gateway.domain.stay import NOBODY
from wattmesh_gateway.drivers.modbus_tcp.profile import ModbusProfile, Register
from wattmesh_gateway.drivers.modbus_tcp.registers import Number, Span, plan_spans
from wattmesh_gateway.drivers.modbus_tcp.unit import ModbusUnit
from wattmesh_gateway.profiles.words import Words, together
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.sites import Device

log = logging.getLogger(__name__)


class ModbusReader:
    """Reads the points that both the site model and the profile know."""

    def __init__(
        self, device: Device, profile: ModbusProfile, unit: ModbusUnit, clock: Clock
    ) -> None:
        self._device = device
        self._profile = profile
        self._unit = unit
        self._clock = clock
        self._generation = 0
        self._numbers: Mapping[str, Number] = {}
        self._states: Sequence[tuple[Number, Words]] = ()
        self.plug: SessionState | None = None
        """What goes on at its plug, as it was read last; None: it does not say."""
        self._spans: Sequence[Span] = ()
        self._complained: set[str] = set()

    async def read(self) -> Sequence[Reading]:
        """Read every point; the measure time is the time at which the device had answered.

        A point that the device says it does not have is left out.
        Errors: DeviceUnavailable, DeviceRefused.
        """
        await self._prepare()
        readings: list[Reading] = []
        said: dict[Register, SessionState | None] = {}
        for span in self._spans:
            words = await self._unit.read(span)
            now = self._clock.now()
            for point, number in self._numbers.items():
                if not span.contains(number.register):
                    continue
                value = number.decode(span.words(number.register, words))
                if value is not None:
                    readings.append(
                        Reading(point=self._device.point(point), measure_time=now, value=value)
                    )
            for number, words_of in self._states:
                if span.contains(number.register):
                    raw = number.decode(span.words(number.register, words))
                    said[number.register] = None if raw is None else words_of.get(f"{raw:g}")
        self.plug = together([said.get(number.register) for number, _ in self._states])
        if self.plug is not None and PLUGGED_IN in self._device.points:
            plugged_in = 0.0 if self.plug is NOBODY else 1.0
            plug = self._device.point(PLUGGED_IN)
            readings.append(Reading(point=plug, measure_time=now, value=plugged_in))
        return readings

    async def _prepare(self) -> None:
        """Find the points on a new connection."""
        generation = await self._unit.connect()
        if generation != self._generation:
            self._numbers = await self._locate()
            self._states = [
                (await self._unit.number(each.number), each.words) for each in self._profile.session
            ]
            numbers = [*self._numbers.values(), *(number for number, _ in self._states)]
            registers = (number.register for number in numbers)
            self._spans = plan_spans(registers, self._profile.max_registers)
            self._generation = generation
        if not self._numbers:
            raise DeviceRefused("the device has none of its points")

    async def _locate(self) -> Mapping[str, Number]:
        numbers: dict[str, Number] = {}
        for point in self._profile.points.keys() & self._device.points:
            try:
                numbers[point] = await self._unit.number(self._profile.points[point])
            except DeviceRefused as error:
                self._complain(point, error)
        return numbers

    def _complain(self, point: str, error: DeviceRefused) -> None:
        """Say once what the device does not have, however often it is connected to."""
        if point not in self._complained:
            self._complained.add(point)
            log.warning("%s: no %s: %s (said once)", self._device.id, point, error)
