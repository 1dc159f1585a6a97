"""Store the metered effect of commands: what the meter saw while they held."""

import logging
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_control.app.ports import CommandArchive, EnergyMeter, Observations
from wattmesh_control.app.shards import Shards
from wattmesh_control.app.spans import METER_EFFECTS
from wattmesh_control.domain.command import Command
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument, NotFound, WattmeshError
from wattmesh_kernel.ids import AssetId, CommandId
from wattmesh_kernel.time import TimeRange, ceil_time, floor_time
from wattmesh_runtime.aio.losses import LossLog
from wattmesh_runtime.aio.spans import traced

log = logging.getLogger(__name__)

_MINUTE = timedelta(minutes=1)
_MOST_AT_ONCE = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class EffectRhythm:
    """When effects are metered."""

    interval: timedelta
    """How often it is looked; also how long after its end a range is first asked for."""
    patience: timedelta
    """How long after its end a range is still asked for."""


class MeterEffects:
    """Asks metering for the mean power over the range of each command that was applied.

    One process does it for all. Commands of the same range are asked for in one call. What is not
    metered yet, or when metering is away, is asked for again at the next look.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        archive: CommandArchive,
        meter: EnergyMeter,
        observations: Observations,
        shards: Shards,
        rhythm: EffectRhythm,
    ) -> None:
        self._clock = clock
        self._archive = archive
        self._meter = meter
        self._observations = observations
        self._shards = shards
        self._rhythm = rhythm

    async def __call__(self) -> None:
        """Run for ever."""
        loss = LossLog(log, "what metering says of effects")
        while True:
            await self._clock.sleep_until(self._next())
            if not self._shards.holds_orphans():
                continue
            try:
                with traced(METER_EFFECTS):
                    await self.look()
                loss.back()
            except WattmeshError as error:
                loss.lost(error)

    async def look(self) -> None:
        """Meter what is due. Error: Unavailable when the database or metering is away."""
        now = self._clock.now()
        due = await self._archive.unmetered(
            now - self._rhythm.patience, now - self._rhythm.interval, _MOST_AT_ONCE
        )
        spans: defaultdict[TimeRange, list[Command]] = defaultdict(list)
        for command in due:
            if (span := metered_span(command)) is not None:
                spans[span].append(command)
        for span, commands in spans.items():
            await self._store(span, commands)

    def _next(self) -> datetime:
        return ceil_time(self._clock.now() + timedelta(microseconds=1), self._rhythm.interval)

    async def _store(self, span: TimeRange, commands: list[Command]) -> None:
        assets = {each.command: each.target.asset for each in commands if each.target is not None}
        powers_w = await self._powers_w(sorted(set(assets.values())), span)
        found: dict[CommandId, float] = {
            command: powers_w[asset] for command, asset in assets.items() if asset in powers_w
        }
        await self._archive.set_metered(found)
        self._observations.effects_metered(len(found))

    async def _powers_w(self, assets: list[AssetId], span: TimeRange) -> dict[AssetId, float]:
        try:
            return await self._meter.mean_power_w(assets, span)
        except (NotFound, InvalidArgument) as error:
            if len(assets) == 1:
                log.warning("the effect on %s cannot be metered: %s", assets[0], error)
                return {}
        each = [await self._powers_w([asset], span) for asset in assets]
        return {asset: power_w for powers in each for asset, power_w in powers.items()}


def metered_span(command: Command) -> TimeRange | None:
    """Return the whole minutes inside of the range in which a command held, if there are any."""
    start, end = ceil_time(command.held.start, _MINUTE), floor_time(command.held.end, _MINUTE)
    return TimeRange(start, end) if start < end else None
