"""What goes on in control, as OpenTelemetry metrics."""

from wattmesh_control.domain.life import CommandState
from wattmesh_control.metrics import COMMANDS, EFFECTS, GATEWAYS, REPORTS_IGNORED
from wattmesh_runtime.telemetry import Telemetry


class TelemetryObservations:
    """Observations, by the process's instruments."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._commands = telemetry.counter(COMMANDS)
        self._ignored = telemetry.counter(REPORTS_IGNORED)
        self._gateways = telemetry.gauge(GATEWAYS)
        self._effects = telemetry.counter(EFFECTS)

    def command_moved(self, state: CommandState) -> None:
        """A command came into a state."""
        self._commands.add(1, {"wattmesh.command.state": state.value})

    def report_ignored(self) -> None:
        """A gateway's report changed nothing."""
        self._ignored.add(1)

    def gateways_connected(self, count: int) -> None:
        """So many gateways hold a stream."""
        self._gateways.set(count)

    def effects_metered(self, count: int) -> None:
        """So many commands got their metered effect."""
        self._effects.add(count)
