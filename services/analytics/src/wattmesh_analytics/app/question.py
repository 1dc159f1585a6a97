"""What is asked about: a time on a raster that has passed, and a site that is there."""

from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import NotFound, Unavailable
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.sites import (
    BatteryRating,
    GeneratorRating,
    GridConnectionRating,
    PvRating,
    Site,
    SiteModel,
    WindRating,
)
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_sitemodel.view import SiteModelView

RESOLUTION = timedelta(minutes=15)
"""The interval in which energy is priced when nobody says another."""
MOST_INTERVALS = 366 * 96
"""The longest range: a leap year of quarter-hours."""
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Whole intervals of the past."""

    range: TimeRange
    resolution: timedelta = RESOLUTION

    def __post_init__(self) -> None:
        whole = timedelta(0) < self.resolution <= _HOUR and not _HOUR % self.resolution
        require(
            whole and not self.resolution % timedelta(seconds=1),
            "INVALID_RESOLUTION",
            f"{self.resolution} does not divide an hour into whole seconds",
            "resolution",
        )
        require(not self.range.empty, "EMPTY_RANGE", "the range is empty", "range")
        for edge, end in (("start_time", self.range.start), ("end_time", self.range.end)):
            require(
                floor_time(end, self.resolution) == end,
                "OFF_RASTER",
                f"{end.isoformat()} is not on the raster of {self.resolution}",
                f"range.{edge}",
            )
        count = self.range.count(self.resolution)
        require(
            count <= MOST_INTERVALS,
            "RANGE_TOO_LONG",
            f"at most {MOST_INTERVALS} intervals can be looked at together, not {count}",
            "range",
        )

    def require_past(self, clock: Clock) -> None:
        """Raise InvalidArgument `NOT_OVER` when the range is not over."""
        require(
            self.range.end <= clock.now(),
            "NOT_OVER",
            f"it is {clock.now().isoformat()}, so {self.range} is not over",
            "range.end_time",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteAssets:
    """A site, and those of its assets that its energy is reckoned from."""

    site: Site
    grids: tuple[AssetId, ...]
    plants: tuple[AssetId, ...]
    batteries: dict[AssetId, BatteryRating]
    emissions_gco2e_per_kwh: dict[AssetId, float] = field(default_factory=dict)
    """Of those of the plants that burn fuel, by what they give out."""

    @property
    def zone(self) -> ZoneInfo:
        """The site's zone."""
        return self.site.zone

    @property
    def every(self) -> tuple[AssetId, ...]:
        """All of them."""
        return (*self.grids, *self.plants, *self.batteries)


def site_assets(view: SiteModelView, name: SiteId) -> SiteAssets:
    """Return a site with its assets.

    Errors: NotFound `SITE_NOT_FOUND`; InvalidArgument `NO_GRID_CONNECTION`; Unavailable
    `SITE_MODEL_UNKNOWN` before the site model was ever heard of.
    """
    model = known_model(view)
    site = model.sites.get(name)
    if site is None:
        raise NotFound("SITE_NOT_FOUND", f"there is no site {name}")
    assets = model.assets_of(name)
    grids = tuple(each.id for each in assets if isinstance(each.rating, GridConnectionRating))
    require(bool(grids), "NO_GRID_CONNECTION", f"{name} has no grid connection", "site")
    plants = (PvRating, WindRating, GeneratorRating)
    return SiteAssets(
        site=site,
        grids=grids,
        plants=tuple(each.id for each in assets if isinstance(each.rating, plants)),
        batteries={
            each.id: each.rating for each in assets if isinstance(each.rating, BatteryRating)
        },
        emissions_gco2e_per_kwh={
            each.id: each.rating.emission_gco2e_per_kwh
            for each in assets
            if isinstance(each.rating, GeneratorRating)
        },
    )


def known_model(view: SiteModelView) -> SiteModel:
    """Return the site model; Unavailable before anything was heard of it."""
    if not view.known:
        raise Unavailable("SITE_MODEL_UNKNOWN", "the site model was never heard of")
    return view.model
