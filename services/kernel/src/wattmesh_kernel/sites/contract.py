"""By which tariffs a site pays when, and all of them as one that changes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.tariff import (
    EnergyRates,
    RealTimePrice,
    Tariff,
    TariffVersion,
    parts_of,
)
from wattmesh_kernel.tariff.model import VERSION_RASTER
from wattmesh_kernel.time import TimeRange, floor_time, to_utc

_FIRST, _LAST = (datetime(year, 1, 1, tzinfo=UTC) for year in (1900, 2200))
_NO_PRICE_KNOWN = EnergyRates(real_time=RealTimePrice())


@dataclass(frozen=True, kw_only=True, slots=True)
class TariffAssignment:
    """That a site pays by a tariff from `start` (None: since ever) up to `end` (None: for good).

    Error: InvalidArgument unless both are on a quarter of an hour, of 1900 to 2200, and in order.
    """

    tariff: TariffId
    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            if (moment := getattr(self, name)) is not None:
                object.__setattr__(self, name, to_utc(moment))
                on_raster = floor_time(moment, VERSION_RASTER) == moment
                require(
                    on_raster and _FIRST <= moment < _LAST,
                    "INVALID_TIME",
                    f"{moment.isoformat()} is not on a quarter of an hour from 1900 to 2200",
                    f"{name}_time",
                )
        in_order = self.start is None or self.end is None or self.start < self.end
        require(in_order, "INVALID_TIME", "it ends after it begins", "end_time")

    @property
    def range(self) -> TimeRange:
        """The time in which it holds, from 1900 to 2200."""
        return TimeRange(self.start or _FIRST, self.end or _LAST)


def require_apart(assignments: tuple[TariffAssignment, ...]) -> None:
    """Raise InvalidArgument when two assignments hold at the same time."""
    ends = _FIRST
    for each in sorted(assignments, key=lambda each: each.range.start):
        require(
            each.range.start >= ends,
            "INVALID_TIME",
            f"{each.tariff} begins while another tariff holds",
            "tariff_assignments.start_time",
        )
        ends = each.range.end


def contract(
    standing: TariffId | None,
    assignments: tuple[TariffAssignment, ...],
    currency_code: str,
    tariffs: Mapping[TariffId, Tariff],
) -> Tariff | None:
    """Return what a site pays by, as one tariff that changes; None when it never has any.

    Where it has none for a time, prices are missing then. Errors: NotFound `TARIFF_NOT_FOUND` when
    one of them is not there; InvalidArgument when one is in another currency.
    """
    if not assignments:
        return None if standing is None else _named(tariffs, standing)
    if standing is None:
        base = Tariff(
            id=assignments[0].tariff,
            currency_code=currency_code,
            import_rates=_NO_PRICE_KNOWN,
            export_rates=_NO_PRICE_KNOWN,
        )
    else:
        base = _named(tariffs, standing)
    layers = (
        layer
        for each in assignments
        for layer in _layers(_named(tariffs, each.tariff), each.range, base.id)
    )
    return replace(base, versions=(*base.versions, *layers))


def _layers(tariff: Tariff, span: TimeRange, name: TariffId) -> Iterator[TariffVersion]:
    for part in parts_of(tariff):
        held = part.range.intersect(span)
        if held is not None:
            yield TariffVersion(
                start=held.start,
                end=held.end if held.end < _LAST else None,
                terms=replace(part.terms, id=name),
            )


def _named(tariffs: Mapping[TariffId, Tariff], name: TariffId) -> Tariff:
    if name not in tariffs:
        raise NotFound("TARIFF_NOT_FOUND", f"there is no {name}")
    return tariffs[name]
