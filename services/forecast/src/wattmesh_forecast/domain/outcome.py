"""What becomes of the forecast of one asset: it is issued, or there is a reason why not."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from wattmesh_forecast.domain.forecast import Forecast
from wattmesh_kernel.ids import AssetId


class Reason(StrEnum):
    """Why an asset is not forecast."""

    UNKNOWN_ASSET = "unknown_asset"
    """The site model has no such asset."""
    KIND_NOT_FORECAST = "kind_not_forecast"
    """Nothing forecasts assets of its kind."""
    NO_HISTORY = "no_history"
    """Too little was measured to say anything."""
    HISTORY_UNAVAILABLE = "history_unavailable"
    """What was measured could not be read."""
    INCOMPLETE_SITE_MODEL = "incomplete_site_model"
    """The site model lacks what it takes."""
    INTERNAL = "internal"
    """The arithmetic failed; the log knows more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NotForecast:
    """Why there is no forecast of an asset; `message` is for people."""

    asset: AssetId
    reason: Reason
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Issued:
    """The forecast that was issued."""

    forecast: Forecast

    @property
    def asset(self) -> AssetId:
        """Whose it is."""
        return self.forecast.asset


Outcome: TypeAlias = Issued | NotForecast
