"""Arithmetic that fails for one asset: that one has no forecast, and the log knows why."""

import logging

from wattmesh_forecast.domain.outcome import NotForecast, Reason
from wattmesh_kernel.ids import AssetId

log = logging.getLogger(__name__)


def failed(asset: AssetId) -> NotForecast:
    """Log the exception that is being handled, and say that the asset has no forecast."""
    log.exception("%s cannot be forecast", asset.name)
    return NotForecast(
        asset=asset, reason=Reason.INTERNAL, message=f"the forecast of {asset.name} failed"
    )
