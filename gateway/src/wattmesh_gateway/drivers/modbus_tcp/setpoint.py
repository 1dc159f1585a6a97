"""Gives setpoints to a Modbus device as its profile says, and reads them back."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from wattmesh_gateway.domain.command import ReadBack
from wattmesh_gateway.domain.errors import DeviceRefused
from wattmesh_gateway.domain.tolerance import tolerance_of
from wattmesh_gateway.drivers.modbus_tcp.profile import (
    ModbusProfile,
    ScaledNumber,
    SetpointProcedure,
    Write,
    WrittenValue,
)
from wattmesh_gateway.drivers.modbus_tcp.registers import Number
from wattmesh_gateway.drivers.modbus_tcp.unit import ModbusUnit
from wattmesh_kernel.setpoints import SetpointKind

_HAIR = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class _Step:
    """A number to be written: `words` hold `value`, times `unit` in the unit of the setpoint."""

    write: Write
    number: Number
    words: Sequence[int]
    value: float
    unit: float


class _Known:
    """What was learnt of a device since it was connected to."""

    def __init__(self) -> None:
        self._generation = -1
        self.numbers: dict[ScaledNumber, float | None] = {}
        self.prepared: set[SetpointKind] = set()

    def since(self, generation: int) -> None:
        """Forget what an older connection taught."""
        if generation != self._generation:
            self._generation = generation
            self.numbers.clear()
            self.prepared.clear()


class ModbusSetpoints:
    """Writes the setpoints of one unit."""

    def __init__(self, profile: ModbusProfile, unit: ModbusUnit) -> None:
        self._profile = profile
        self._unit = unit
        self._known = _Known()

    async def adjust(self, kind: SetpointKind, value: float, lease: timedelta) -> None:
        """Write a setpoint by the ratings and units that the device had when it was connected to.

        What comes before the setpoint and never changes is written once. Errors as in `apply`.
        """
        procedure = self._procedure(kind)
        _check_bounds(procedure, value)
        self._known.since(await self._unit.connect())
        rating = await self._check_ratings(procedure, value, self._known)
        steps = [await self._step(each, value, lease, self._known) for each in procedure.write]
        _check_written(kind, value, AppliedModbusSetpoint(self._unit, steps).value, rating)
        begun = next(number for number, step in enumerate(steps) if _is_setpoint(step))
        await self._write(steps[begun:] if kind in self._known.prepared else steps)
        self._known.prepared = {kind}

    async def apply(
        self, kind: SetpointKind, value: float, lease: timedelta
    ) -> "AppliedModbusSetpoint":
        """Write a setpoint with what is left of its lease.

        Errors: DeviceRefused when the device cannot or will not, DeviceUnavailable.
        """
        procedure = self._procedure(kind)
        _check_bounds(procedure, value)
        self._known.prepared.clear()
        await self._unit.connect()
        rating = await self._check_ratings(procedure, value)
        # Everything is worked out first, so that what cannot be done is not begun.
        writes = [each for each in procedure.write if value or not each.skip_at_zero]
        steps = [await self._step(each, value, lease) for each in writes]
        applied = AppliedModbusSetpoint(self._unit, steps)
        _check_written(kind, value, applied.value, rating)
        await self._write(steps)
        return applied

    async def holds(self, kind: SetpointKind, value: float) -> ReadBack:
        """Ask whether the device holds a setpoint; errors as in `apply`.

        One that forgets what it was told is told again, as long as it has not forgotten.
        """
        await self._unit.connect()
        procedure = self._procedure(kind)
        verified = [
            each for each in procedure.write if each.verify and (value or not each.skip_at_zero)
        ]
        steps = [await self._step(each, value, timedelta(0)) for each in verified]
        found = await _read_back(self._unit, steps)
        if procedure.again and not found.mismatch:
            await self._write([each for each in steps if _is_setpoint(each)])
        return found

    async def release(self, kind: SetpointKind) -> ReadBack:
        """Send the device to its safe state and read that back; errors as in `apply`."""
        self._known.prepared.clear()
        await self._unit.connect()
        release = self._procedure(kind).release
        steps = [await self._step(each, 0.0, timedelta(0)) for each in release]
        await self._write(steps)
        return await _read_back(self._unit, steps)

    def ends_by_itself(self, kind: SetpointKind) -> bool:
        """Return whether the device has a timer that ends a setpoint with its lease."""
        procedure = self._profile.setpoints.get(kind)
        return procedure is not None and any(
            each.value is WrittenValue.LEASE_SECONDS for each in procedure.write
        )

    async def _write(self, steps: Sequence[_Step]) -> None:
        """Write; a refusal says whether the device had taken a part of it."""
        for number, step in enumerate(steps):
            try:
                await self._unit.write(step.number, step.words)
            except DeviceRefused as error:
                raise DeviceRefused(str(error), begun=number > 0) from error

    def _procedure(self, kind: SetpointKind) -> SetpointProcedure:
        procedure = self._profile.setpoints.get(kind)
        if procedure is None:
            raise DeviceRefused(f"the profile {self._profile.name} has no setpoint {kind.value}")
        return procedure

    async def _check_ratings(
        self, procedure: SetpointProcedure, value: float, known: "_Known | None" = None
    ) -> float:
        """Refuse what is beyond the device's ratings; return the largest, 0 if it has none."""
        largest = 0.0
        for rating, sign, word in (
            (procedure.minimum, -1, "least"),
            (procedure.maximum, 1, "most"),
        ):
            bound, step = await self._rating(rating, known)
            if bound is not None and sign * (value - bound) > step:
                raise DeviceRefused(f"{value:g} is beyond the {word} the device can do, {bound:g}")
            largest = max(largest, abs(bound or 0.0))
        return largest

    async def _rating(
        self, rating: ScaledNumber | None, known: "_Known | None"
    ) -> tuple[float | None, float]:
        """Return a rating and its resolution; None when the device does not say."""
        if rating is None:
            return None, 0.0
        try:
            number = await self._unit.number(rating)
        except DeviceRefused:
            return None, 0.0
        return await self._read(rating, number, known), abs(number.scale)

    async def _read(
        self, wanted: ScaledNumber, number: Number, known: "_Known | None"
    ) -> float | None:
        """Read a number, or take what is known of it."""
        if known is not None and wanted in known.numbers:
            return known.numbers[wanted]
        value = await self._unit.read_number(number)
        if known is not None:
            known.numbers[wanted] = value
        return value

    async def _step(
        self, write: Write, setpoint: float, lease: timedelta, known: "_Known | None" = None
    ) -> _Step:
        number = await self._unit.number(write.number)
        unit = 1.0
        match write.value:
            case WrittenValue.SETPOINT:
                unit = await self._setpoint_unit(write, known)
                wanted = setpoint / unit
            case WrittenValue.LEASE_SECONDS:
                wanted = _lease_value(number, lease)
            case WrittenValue.IS_ON:
                wanted = float(setpoint != 0)
            case constant:
                wanted = constant
        words = number.encode(wanted)
        written = number.decode(words)
        if written is None:
            raise DeviceRefused(f"{wanted:g} means 'no value' in {write.number.location}")
        return _Step(write=write, number=number, words=words, value=written, unit=unit)

    async def _setpoint_unit(self, write: Write, known: "_Known | None") -> float:
        """Return what 1 in the register is in the unit of the setpoint."""
        if write.percent_of is None:
            return 1.0
        number = await self._unit.number(write.percent_of)
        rating = await self._read(write.percent_of, number, known)
        if not rating:
            raise DeviceRefused(f"the device does not say its rating {write.percent_of.location}")
        return rating / 100.0


class AppliedModbusSetpoint:
    """A setpoint that the device acknowledged."""

    def __init__(self, unit: ModbusUnit, steps: Sequence[_Step]) -> None:
        self._unit = unit
        self._steps = steps
        self.value = next((_in_unit(step, step.value) for step in steps if _is_setpoint(step)), 0.0)
        """The setpoint as written, rounded to what the device can hold."""

    async def read_back(self) -> ReadBack:
        """Read every verified number again; errors: DeviceUnavailable, DeviceRefused."""
        return await _read_back(self._unit, self._steps)


async def _read_back(unit: ModbusUnit, steps: Sequence[_Step]) -> ReadBack:
    """Read what is verified of these numbers, and say what differs."""
    value: float | None = None
    mismatches: list[str] = []
    for step in steps:
        if not step.write.verify:
            continue
        number, tolerance = await _read_back_number(unit, step)
        read = await unit.read_number(number)
        if _is_setpoint(step) and read is not None:
            value = _in_unit(step, read)
        if read is None or not math.isclose(read, step.value, rel_tol=1e-9, abs_tol=tolerance):
            where = (step.write.read_back or step.write.number).location
            mismatches.append(f"{where} is {read}, not {step.value:g}")
    return ReadBack(value=value, mismatch="; ".join(mismatches))


async def _read_back_number(unit: ModbusUnit, step: _Step) -> tuple[Number, float]:
    """Return where a number is read back, and how far it may be off for its resolution."""
    if step.write.read_back is None:
        return step.number, 1e-9
    number = await unit.number(step.write.read_back)
    return number, 0.51 * max(abs(number.scale), abs(step.number.scale))


def _check_bounds(procedure: SetpointProcedure, value: float) -> None:
    """Refuse what the device can do by no setting of it."""
    if procedure.most is not None and value > procedure.most + _HAIR:
        raise DeviceRefused(f"{value:g} is beyond the most the device can do, {procedure.most:g}")
    if _HAIR < value < procedure.least - _HAIR:
        raise DeviceRefused(f"{value:g} is below the least the device can do, {procedure.least:g}")


def _check_written(kind: SetpointKind, asked: float, written: float, rating: float) -> None:
    """Refuse a setpoint that the device's registers are too coarse for."""
    if abs(written - asked) > tolerance_of(kind, asked, rating):
        raise DeviceRefused(
            f"{asked:g} cannot be expressed: the nearest that the device can hold is {written:g}"
        )


def _is_setpoint(step: _Step) -> bool:
    return step.write.value is WrittenValue.SETPOINT


def _in_unit(step: _Step, value: float) -> float:
    return value * step.unit


def _lease_value(number: Number, lease: timedelta) -> float:
    """Return the lease in whole steps of the device's timer: never longer, at least one step."""
    steps = max(1, math.floor(lease.total_seconds() / number.scale))
    return min(steps * number.scale, number.largest)
