"""What is asked for when forecasts are to be issued."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_forecast.domain.hours import HOUR
from wattmesh_forecast.domain.quantiles import check_ratios
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange, floor_time

MOST_ASSETS = 1000
LONGEST_HORIZON = timedelta(days=7)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What is asked for: intervals of `resolution` over `span`, at quantiles `ratios`."""

    assets: tuple[AssetId, ...]
    span: TimeRange
    resolution: timedelta
    ratios: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "ratios", check_ratios(self.ratios))
        if not 0 < len(self.assets) <= MOST_ASSETS or len(set(self.assets)) < len(self.assets):
            raise InvalidArgument(
                "INVALID_ASSETS", f"1 to {MOST_ASSETS} different assets", field="assets"
            )
        _check_resolution(self.resolution)
        ends = (self.span.start, self.span.end)
        if self.span.empty or any(end != floor_time(end, self.resolution) for end in ends):
            raise InvalidArgument(
                "INVALID_RANGE",
                "the range must not be empty and have both ends on the raster of the resolution",
                field="range",
            )

    def check_time(self, now: datetime) -> None:
        """Raise InvalidArgument unless the range begins about now and ends within a week."""
        if self.span.start < now - self.resolution:
            raise InvalidArgument("RANGE_IN_THE_PAST", "the range has begun", field="range")
        if self.span.end > now + LONGEST_HORIZON:
            raise InvalidArgument(
                "RANGE_TOO_FAR", f"the range ends more than {LONGEST_HORIZON} ahead", field="range"
            )


def _check_resolution(resolution: timedelta) -> None:
    whole_minutes = resolution > timedelta(0) and not resolution % timedelta(minutes=1)
    if not whole_minutes or (HOUR % resolution and resolution % HOUR):
        raise InvalidArgument(
            "INVALID_RESOLUTION",
            "the resolution must be whole minutes that divide an hour, or whole hours",
            field="resolution",
        )
