"""The one record of a setpoint: planned, asked, limited, sent, acknowledged, read back, metered."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from wattmesh_control.domain.command import Command
from wattmesh_control.domain.device_event import DeviceEvent
from wattmesh_control.domain.effects.asked import Level, asked_of
from wattmesh_control.domain.moves import Moves
from wattmesh_kernel.time import TimeRange

_W_PER_KW = 1000.0
_NO_DIFFERENCE_KWH = 1e-9


class Stage(StrEnum):
    """How far a setpoint came on its way."""

    ASKED = "asked"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    READ_BACK = "read_back"
    METERED = "metered"


class Cause(StrEnum):
    """Why what was metered is not what was planned."""

    LIMITED = "limited"
    CUT_SHORT = "cut_short"
    MOVED = "moved"
    """The gateway's own loop moved the setpoint by the meter."""
    NOT_CARRIED_OUT = "not_carried_out"
    EFFECT = "effect"


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A part of metered less planned energy [kWh], and what it comes from."""

    cause: Cause
    energy_kwh: float
    message: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionStep:
    """One setpoint on its way; energies into the device positive [kWh], None: there is none."""

    command: Command
    stage: Stage
    planned_kwh: float | None
    metered_kwh: float | None
    differences: tuple[Difference, ...] = ()
    events: tuple[DeviceEvent, ...] = ()
    moves: Moves | None = None
    """What the gateway's loop told the device in place of what the command asks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Execution:
    """All steps of a plan or device; the sums are over those that have both energies [kWh]."""

    steps: tuple[ExecutionStep, ...]
    truncated: bool = False

    @property
    def planned_kwh(self) -> float:
        """What was planned."""
        return sum(each.planned_kwh or 0.0 for each in self._both)

    @property
    def metered_kwh(self) -> float:
        """What was metered."""
        return sum(each.metered_kwh or 0.0 for each in self._both)

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Why they differ, by cause."""
        sums = defaultdict[Cause, float](float)
        for step in self._both:
            for each in step.differences:
                sums[each.cause] += each.energy_kwh
        return tuple(Difference(cause=cause, energy_kwh=sums[cause]) for cause in sorted(sums))

    @property
    def _both(self) -> Iterable[ExecutionStep]:
        return [x for x in self.steps if x.planned_kwh is not None and x.metered_kwh is not None]


def step_of(
    command: Command, events: Sequence[DeviceEvent] = (), moves: Moves | None = None
) -> ExecutionStep:
    """Return the record of one command.

    The differences add up: 2 kW planned for an hour, limited to 1.5 kW, withdrawn after half of it
    and metered at 1.4 kW give -0.5, -0.75 and -0.05 kWh: 0.7 kWh in place of 2.
    """
    planned_kwh = _energy_kwh(command, command.requested_value, command.span.duration)
    metered_kwh = _metered_kwh(command)
    return ExecutionStep(
        command=command,
        stage=_stage(command),
        planned_kwh=planned_kwh,
        metered_kwh=metered_kwh,
        differences=_differences(command, planned_kwh, metered_kwh),
        events=tuple(events),
        moves=moves,
    )


def _stage(command: Command) -> Stage:
    life = command.life
    if command.metered_power_w is not None:
        return Stage.METERED
    if life.verify_time is not None:
        return Stage.READ_BACK
    if life.apply_time is not None:
        return Stage.ACKNOWLEDGED
    return Stage.SENT if life.dispatch_count else Stage.ASKED


def _differences(
    command: Command, planned_kwh: float | None, metered_kwh: float | None
) -> tuple[Difference, ...]:
    if planned_kwh is None or metered_kwh is None:
        return ()
    if command.life.apply_time is None:
        message = command.life.message or command.life.trouble
        whole = Difference(
            cause=Cause.NOT_CARRIED_OUT, energy_kwh=metered_kwh - planned_kwh, message=message
        )
        return _worth_saying([whole])
    span, held = command.span.duration, command.held.duration
    limited_kwh = _kwh(command.value, span) - planned_kwh
    cut_kwh = _kwh(command.value, held) - _kwh(command.value, span)
    told_kwh = held_kwh = _kwh(command.value, held)
    if command.effect is not None and command.effect.moved_power_w is not None:
        told_kwh = _kwh(command.effect.moved_power_w, held)
    effect_kwh = metered_kwh - told_kwh
    words = "" if command.effect is None else f"{command.effect.effect} {command.effect.reason}"
    return _worth_saying(
        [
            Difference(cause=Cause.LIMITED, energy_kwh=limited_kwh, message=command.life.message),
            Difference(cause=Cause.CUT_SHORT, energy_kwh=cut_kwh, message=command.life.message),
            Difference(cause=Cause.MOVED, energy_kwh=told_kwh - held_kwh, message="by the meter"),
            Difference(cause=Cause.EFFECT, energy_kwh=effect_kwh, message=words.strip()),
        ]
    )


def _worth_saying(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    return tuple(each for each in differences if abs(each.energy_kwh) > _NO_DIFFERENCE_KWH)


def _energy_kwh(command: Command, value: float, duration: timedelta) -> float | None:
    asked = asked_of(command.kind, value, None)
    return _kwh(asked.power_w, duration) if isinstance(asked, Level) else None


def _metered_kwh(command: Command) -> float | None:
    if command.metered_power_w is None:
        return None if command.life.apply_time is not None or command.life.live else 0.0
    return _kwh(command.metered_power_w, command.held.duration)


def _kwh(power_w: float, duration: timedelta) -> float:
    return power_w / _W_PER_KW * (duration / timedelta(hours=1))


def events_within(events: Sequence[DeviceEvent], span: TimeRange, most: int) -> list[DeviceEvent]:
    """Return the first events of a span."""
    return [each for each in events if span.contains(each.time)][:most]
