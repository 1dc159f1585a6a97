"""Where loads are measured, and what is learnt and judged there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.bench.forecast.asking import midnights
from wattmesh_forecast.domain.hours import AssetHours


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Place:
    """Assets on one raster, which of them are learnt from, and until when; groups to be judged."""

    name: str
    assets: Mapping[str, AssetHours]
    learnt: Sequence[str]
    split: int
    groups: Mapping[str, Sequence[str]]

    @property
    def past(self) -> list[AssetHours]:
        """What is learnt from."""
        return [self.assets[name].between(0, self.split) for name in self.learnt]

    @property
    def judged(self) -> list[int]:
        """When forecasts are issued that are judged."""
        first = next(iter(self.assets.values()))
        return midnights(first, self.split, len(first.power_w))
