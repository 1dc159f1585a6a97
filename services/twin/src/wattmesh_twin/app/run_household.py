"""Machines of a home that somebody loads, beside their doubles, which begin at once."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_runtime.aio.losses import LossLog, retry
from wattmesh_twin.app.run_appliance import ApplianceTwin
from wattmesh_twin.domain.appliance import ApplianceState, advance, loaded
from wattmesh_twin.domain.household import MachineSpec, RunBoard
from wattmesh_twin.domain.order import Order
from wattmesh_twin.domain.rooms import HOUR
from wattmesh_twin.domain.telegram import MachineRecord

_WHOLE_RATIO = 0.999
"""What of its energy a run has taken that is done: sums of minutes are not exact."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineMemory:
    """What of a machine is kept: how it stands, what it was told, its double, and its runs.

    `window` is the run's that somebody loaded last and that is not settled yet, `loaded_wh` what
    its register showed then; of those that are, `wanted` counts all and `met` those that were done
    by the end of their windows.
    """

    state: ApplianceState
    order: Order | None
    double: ApplianceState
    window: TimeRange | None = None
    loaded_wh: float = 0.0
    wanted: int = 0
    met: int = 0


class MachineTwin:
    """One machine: loaded at its hours, it runs when it is permitted to; its double at once."""

    def __init__(self, spec: MachineSpec, asset: AssetId, twin: ApplianceTwin) -> None:
        self.spec = spec
        self.asset = asset
        self.twin = twin
        self._double = twin.standing
        self._window: TimeRange | None = None
        self._loaded_wh = 0.0
        self._wanted = self._met = 0
        self._passed = list[MachineRecord]()
        """Hours that had passed when it was loaded, and that nobody has seen."""

    @property
    def memory(self) -> MachineMemory:
        """What it goes on from after the twin was killed."""
        return MachineMemory(
            state=self.twin.look(),
            order=self.twin.told,
            double=self._double,
            window=self._window,
            loaded_wh=self._loaded_wh,
            wanted=self._wanted,
            met=self._met,
        )

    def restore(self, memory: MachineMemory) -> None:
        """Go on from what was kept."""
        self.twin.restore(memory.state, memory.order)
        self._double, self._window = memory.double, memory.window
        self._loaded_wh = memory.loaded_wh
        self._wanted, self._met = memory.wanted, memory.met

    def forget(self, before: datetime) -> None:
        """Forget what a site's meter has seen."""
        self.twin.past.forget(before)

    def records(self, until: datetime) -> Iterator[MachineRecord]:
        """Move the double on; yield what both came to at each whole hour that has passed."""
        passed, self._passed = self._passed, []
        yield from passed
        yield from self._hours(until)

    def _hours(self, until: datetime) -> Iterator[MachineRecord]:
        hour = floor_time(self._double.time, HOUR) + HOUR
        while hour <= until:
            self._double = advance(self._double, hour, permitted=True)
            self.twin.advance(hour)
            window = self._window
            self._settle(hour)
            yield MachineRecord(
                asset=self.asset,
                time=hour,
                import_wh=self.twin.past.wh(hour),
                at_once_wh=self._double.import_wh,
                wanted=self._wanted,
                met=self._met,
                window=window,
            )
            hour += HOUR

    async def run(self, board: RunBoard | None) -> None:
        """Have somebody load it at its hours and say until when it is to be done, for ever."""
        loss, clock = LossLog(_log, "usage"), self.twin.clock
        if self._window is not None and board is not None:
            await retry(partial(board.want_run, self.asset, self.spec, self._window), loss)
        for window in self.spec.windows(clock.now()):
            await clock.sleep_until(window.start)
            self.load(window)
            if board is not None:
                await retry(partial(board.want_run, self.asset, self.spec, window), loss)

    def load(self, window: TimeRange) -> None:
        """Have somebody load it now, for a run within a window."""
        state = self.twin.look()
        self._passed += self._hours(state.time)
        self._settle(state.time)
        self._double = loaded(
            advance(self._double, state.time, permitted=True), self.spec.programme
        )
        self._window, self._loaded_wh = window, state.import_wh
        self.twin.load(self.spec.programme)

    def _settle(self, moment: datetime) -> None:
        """Count the run whose window has ended by a moment that the machine has reached."""
        if self._window is None or moment < self._window.end:
            return
        used_wh = self.twin.past.wh(self._window.end) - self._loaded_wh
        self._window = None
        self._wanted += 1
        self._met += int(used_wh >= _WHOLE_RATIO * self.spec.energy_wh)
