"""Metered power, asset by asset: what cannot be read of one takes nothing from the others."""

from collections.abc import Sequence
from datetime import timedelta

from wattmesh_forecast.app.ports import History
from wattmesh_forecast.domain.outcome import NotForecast, Reason
from wattmesh_kernel.errors import (
    DeadlineExceeded,
    ResourceExhausted,
    Unavailable,
    WattmeshError,
)
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.aio.tasks import together

MOST_VALUES = 50_000
"""About how many values are asked for at once."""
_AWAY = (Unavailable, DeadlineExceeded, ResourceExhausted)


class EachHistory:
    """Asks for some assets at once; when a query is refused, finds out because of which."""

    def __init__(self, history: History) -> None:
        self._history = history

    async def power_w(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> dict[AssetId, Series | NotForecast]:
        """Return each asset's mean power per interval [W], or why it cannot be read."""
        size = max(1, MOST_VALUES // max(1, span.count(resolution)))
        parts = [assets[first : first + size] for first in range(0, len(assets), size)]
        found = await together(*(self._part(part, span, resolution) for part in parts))
        return {asset: power for part in found for asset, power in part.items()}

    async def _part(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> dict[AssetId, Series | NotForecast]:
        try:
            found = await self._history.power_w(assets, span, resolution)
        except WattmeshError as error:
            if isinstance(error, _AWAY) or len(assets) == 1:
                return {asset: _unread(asset, str(error)) for asset in assets}
            return await self._halves(assets, span, resolution)
        return {asset: found.get(asset, _unread(asset, "no answer")) for asset in assets}

    async def _halves(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> dict[AssetId, Series | NotForecast]:
        middle = len(assets) // 2
        first = await self._part(assets[:middle], span, resolution)
        return first | await self._part(assets[middle:], span, resolution)


async def required_power_w(
    history: History, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
) -> dict[AssetId, Series]:
    """Return the power of all assets; Unavailable when that of one cannot be read."""
    found = await EachHistory(history).power_w(assets, span, resolution)
    power: dict[AssetId, Series] = {}
    for asset, series in found.items():
        if isinstance(series, NotForecast):
            raise Unavailable("HISTORY_UNAVAILABLE", series.message)
        power[asset] = series
    return power


def _unread(asset: AssetId, why: str) -> NotForecast:
    return NotForecast(
        asset=asset,
        reason=Reason.HISTORY_UNAVAILABLE,
        message=f"the readings of {asset.name} cannot be read: {why}",
    )
