"""Observations that a test can read."""

from wattmesh_control.domain.life import CommandState


class FakeObservations:
    """Observations in plain counters."""

    def __init__(self) -> None:
        self.moved = list[CommandState]()
        self.ignored = 0
        self.gateways = 0
        self.effects = 0

    def command_moved(self, state: CommandState) -> None:
        self.moved.append(state)

    def report_ignored(self) -> None:
        self.ignored += 1

    def gateways_connected(self, count: int) -> None:
        self.gateways = count

    def effects_metered(self, count: int) -> None:
        self.effects += count
