"""Observations that a test can read."""

from wattmesh_control.domain.effects.verdict import EffectVerdict
from wattmesh_control.domain.life import CommandState


class FakeObservations:
    """Observations in plain counters."""

    def __init__(self) -> None:
        self.moved = list[CommandState]()
        self.ignored = 0
        self.gateways = 0
        self.effects = 0
        self.shards = 0
        self.set_aside = 0
        self.verdicts = list[EffectVerdict]()
        self.amiss = 0
        self.clocks = (0.0, 0)

    def command_moved(self, state: CommandState) -> None:
        self.moved.append(state)

    def report_ignored(self) -> None:
        self.ignored += 1

    def gateways_connected(self, count: int) -> None:
        self.gateways = count

    def clocks_compared(self, largest_seconds: float, refused: int) -> None:
        self.clocks = (largest_seconds, refused)

    def shards_held(self, count: int) -> None:
        self.shards = count

    def devices_set_aside(self, count: int) -> None:
        self.set_aside = count

    def effects_metered(self, count: int) -> None:
        self.effects += count

    def effect_judged(self, verdict: EffectVerdict) -> None:
        self.verdicts.append(verdict)

    def devices_amiss(self, count: int) -> None:
        self.amiss = count
