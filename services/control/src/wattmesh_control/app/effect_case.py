"""A command whose effect is looked for, and over which windows its meters are asked."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_control.app.effect_ports import PowerQuestion
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.effects.evidence import Question
from wattmesh_control.domain.effects.islands import hidden_by
from wattmesh_control.domain.effects.sources import PowerPoints, Sources
from wattmesh_control.domain.moves import Moves
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.time import TimeRange, ceil_time, floor_time

_HABIT_INTERVALS = 240
"""So many intervals before a command say what meter and site do by themselves."""
_LONGEST_HABIT = timedelta(days=2)
_AFTER_INTERVALS = 14


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """What is asked of meters at once: the habits before, the command, and a little after."""

    span: TimeRange
    resolution: timedelta

    def of(self, points: PowerPoints) -> PowerQuestion:
        """Return what is asked of these points."""
        return PowerQuestion(points=points, span=self.span, resolution=self.resolution)


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A command, and who is asked about it over which windows."""

    command: Command
    question: Question
    moves: Moves | None
    """What its gateway's loop told its device in place of what it asks."""
    sources: Sources
    own: Window
    grid: Window

    def about_asset(self) -> Iterator[PowerQuestion]:
        """Yield what is asked of the meters of the asset itself."""
        meters = (self.sources.own, self.sources.other, self.sources.plant)
        return (
            self.own.of(each) for each in meters if each is not None and not self.own.span.empty
        )

    def about_site(self) -> Iterator[PowerQuestion]:
        """Return what is asked of the grid connection, and of those that explain its steps."""
        sources = self.sources
        if sources.grid is None or self.grid.span.empty:
            return iter(())
        meters = (sources.grid, sources.own, *sources.known)
        return (self.grid.of(each) for each in meters if each is not None)

    def hidden(self, islands: Mapping[SiteId, Sequence[TimeRange]]) -> bool:
        """Whether it was held in an island of its site in which nobody can tell what it did."""
        question, of_site = self.question, islands.get(self.command.device.site, ())
        return hidden_by(of_site, question.held, question.rating, self.sources)


def window_around(
    question: Question, meters: Iterable[PowerPoints | None], now: datetime
) -> Window:
    """Return what is asked of meters about a command, on the raster of the coarsest of them."""
    resolution = max((x.interval for x in meters if x is not None), default=timedelta(minutes=1))
    held = question.held
    habit = min(_HABIT_INTERVALS * resolution, _LONGEST_HABIT)
    start = floor_time(held.sent - habit, resolution)
    end = ceil_time(held.end + _AFTER_INTERVALS * resolution, resolution)
    end = max(min(end, floor_time(now, resolution)), start)
    return Window(span=TimeRange(start, end), resolution=resolution)
