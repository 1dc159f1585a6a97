"""How far a zone is from what people want."""

from collections.abc import Sequence
from dataclasses import dataclass

from wattmesh_kernel.sites import ComfortBand, HvacZoneRating

BEGINS_K, ENDS_K = 0.5, 0.1
"""Outside by so much a zone is uncomfortable; nearer than this it is not any more [K]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Discomfort:
    """A zone's temperature, the edge of its band that it is nearest to or beyond [°C]."""

    temperature_celsius: float
    edge_celsius: float
    outside_k: float


def discomfort(temperature_celsius: float, band: ComfortBand, rating: HvacZoneRating) -> Discomfort:
    """Return how far a temperature is outside of a band [K]; negative: inside.

    A side counts that a machine of the zone could do something about: without cooling, nobody is
    told of a hot day.
    """
    sides = []
    if rating.heating is not None or rating.cooling is None:
        sides.append((band.min_temperature_celsius - temperature_celsius, True))
    if rating.cooling is not None or rating.heating is None:
        sides.append((temperature_celsius - band.max_temperature_celsius, False))
    outside_k, cold = max(sides)
    edge = band.min_temperature_celsius if cold else band.max_temperature_celsius
    return Discomfort(
        temperature_celsius=temperature_celsius, edge_celsius=edge, outside_k=outside_k
    )


def expected_kelvin_hours(
    temperatures_celsius: Sequence[float],
    bands: Sequence[ComfortBand],
    rating: HvacZoneRating,
    hours: float,
) -> float:
    """Return by how much and how long intervals of so many hours end outside of their bands [K h].

    Two intervals of half an hour at 19 °C where 20 to 23 are wanted: 1 K h.
    """
    outside = (
        discomfort(celsius, band, rating).outside_k
        for celsius, band in zip(temperatures_celsius, bands, strict=True)
    )
    return hours * sum(max(each, 0.0) for each in outside)


def widest(rating: HvacZoneRating) -> ComfortBand:
    """Return the band outside of which nobody wants a zone, occupied or not."""
    bands = [rating.occupied_band, rating.unoccupied_band or rating.occupied_band]
    return ComfortBand(
        min_temperature_celsius=min(each.min_temperature_celsius for each in bands),
        max_temperature_celsius=max(each.max_temperature_celsius for each in bands),
    )
