"""Sites and groups of sites."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import GroupId, SiteId, TariffId, ZoneId
from wattmesh_kernel.money import check_currency_code
from wattmesh_metering.domain.checks import (
    require,
    require_at_least,
    require_between,
    require_display_name,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A building, plant or home behind one connection to the grid.

    `time_zone` is an IANA name: tariffs and days follow it. `currency_code` is ISO 4217.
    """

    id: SiteId
    time_zone: str
    currency_code: str
    display_name: str = ""
    latitude_degrees: float | None = None
    longitude_degrees: float | None = None
    tariff: TariffId | None = None
    carbon_zone: ZoneId | None = None

    def __post_init__(self) -> None:
        require_display_name(self.display_name)
        _require_zone(self.time_zone)
        check_currency_code(self.currency_code)
        require_between(self.latitude_degrees, -90, 90, "latitude_degrees")
        require_between(self.longitude_degrees, -180, 180, "longitude_degrees")

    @property
    def name(self) -> str:
        """The resource name."""
        return self.id.name


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteGroup:
    """Sites that are planned together, with what they share.

    `peak_price_per_kw` is what the highest shared import of a billing month is worth.
    """

    id: GroupId
    sites: tuple[SiteId, ...] = ()
    display_name: str = ""
    import_limit_w: float | None = None
    export_limit_w: float | None = None
    peak_price_per_kw: float | None = None

    def __post_init__(self) -> None:
        require_display_name(self.display_name)
        require(
            len(set(self.sites)) == len(self.sites),
            "REPEATED_SITE",
            "a site stands in its group once",
            "sites",
        )
        require_at_least(self.import_limit_w, 0, "import_limit_w")
        require_at_least(self.export_limit_w, 0, "export_limit_w")
        require_at_least(self.peak_price_per_kw, 0, "peak_price_per_kw")

    @property
    def name(self) -> str:
        """The resource name."""
        return self.id.name


def _require_zone(time_zone: str) -> None:
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidArgument(
            "UNKNOWN_TIME_ZONE", f"{time_zone!r} is no IANA time zone", field="time_zone"
        ) from error
