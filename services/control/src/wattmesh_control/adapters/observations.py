"""What goes on in control, as OpenTelemetry metrics."""

from wattmesh_control.domain.effects.verdict import EffectVerdict
from wattmesh_control.domain.life import CommandState
from wattmesh_control.metrics import (
    AMISS,
    CLOCK_REFUSED,
    CLOCK_SKEW,
    COMMANDS,
    EFFECTS,
    GATEWAYS,
    REPORTS_IGNORED,
    SET_ASIDE,
    SHARDS,
    VERDICTS,
)
from wattmesh_runtime.telemetry import Telemetry


class TelemetryObservations:
    """Observations, by the process's instruments."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._commands = telemetry.counter(COMMANDS)
        self._ignored = telemetry.counter(REPORTS_IGNORED)
        self._gateways = telemetry.gauge(GATEWAYS)
        self._clock_skew = telemetry.gauge(CLOCK_SKEW)
        self._clock_refused = telemetry.gauge(CLOCK_REFUSED)
        self._shards = telemetry.gauge(SHARDS)
        self._set_aside = telemetry.gauge(SET_ASIDE)
        self._effects = telemetry.counter(EFFECTS)
        self._verdicts = telemetry.counter(VERDICTS)
        self._amiss = telemetry.gauge(AMISS)

    def command_moved(self, state: CommandState) -> None:
        """A command came into a state."""
        self._commands.add(1, {"wattmesh.command.state": state.value})

    def report_ignored(self) -> None:
        """A gateway's report changed nothing."""
        self._ignored.add(1)

    def gateways_connected(self, count: int) -> None:
        """So many gateways hold a stream."""
        self._gateways.set(count)

    def clocks_compared(self, largest_seconds: float, refused: int) -> None:
        """The clocks of gateways here differ by so much at most; so many get no commands."""
        self._clock_skew.set(largest_seconds)
        self._clock_refused.set(refused)

    def shards_held(self, count: int) -> None:
        """So many shards are held by this process."""
        self._shards.set(count)

    def devices_set_aside(self, count: int) -> None:
        """So many devices are set aside, because control failed on each of them alone."""
        self._set_aside.set(count)

    def effects_metered(self, count: int) -> None:
        """So many commands got their metered effect."""
        self._effects.add(count)

    def effect_judged(self, verdict: EffectVerdict) -> None:
        """A command got its final verdict, or one that is amiss."""
        attributes = {
            "wattmesh.effect": verdict.effect.value,
            "wattmesh.effect.reason": verdict.reason.value,
            "wattmesh.effect.final": str(verdict.final).lower(),
        }
        self._verdicts.add(1, attributes)

    def devices_amiss(self, count: int) -> None:
        """So many devices do not do what they are told."""
        self._amiss.set(count)
