"""Shows the gateway's state as metrics; the counts live on disk and are shown as they are."""

import asyncio

from wattmesh_gateway import metrics
from wattmesh_gateway.app.tell_status import TellStatus
from wattmesh_runtime.telemetry import Telemetry

_INTERVAL_SECONDS = 10.0


class StatusMetrics:
    """Takes every count and gauge over again and again, if anybody looks at them."""

    def __init__(self, telemetry: Telemetry, tell_status: TellStatus) -> None:
        self._enabled = telemetry.enabled
        self._tell_status = tell_status
        self._received = telemetry.total(metrics.TELEGRAMS_RECEIVED)
        self._taken = telemetry.total(metrics.READINGS_RECEIVED)
        self._polled = telemetry.total(metrics.READINGS_POLLED)
        self._rejected = telemetry.total(metrics.READINGS_REJECTED)
        self._forwarded = telemetry.total(metrics.READINGS_FORWARDED)
        self._spooled = telemetry.gauge(metrics.READINGS_SPOOLED)
        self._quarantined = telemetry.total(metrics.TELEGRAMS_QUARANTINED)
        self._dropped = telemetry.total(metrics.TELEGRAMS_DROPPED)
        self._online = telemetry.gauge(metrics.DEVICES_ONLINE)
        self._offline = telemetry.gauge(metrics.DEVICES_OFFLINE)

    async def run(self) -> None:
        """Show the state every 10 s, for ever."""
        while self._enabled:
            await self._show()
            await asyncio.sleep(_INTERVAL_SECONDS)

    async def _show(self) -> None:
        status = await self._tell_status.tell()
        spool = status.spool
        online = sum(device.online for device in status.devices)
        self._received.set(spool.telegrams_received)
        self._taken.set(spool.readings_received)
        self._polled.set(spool.readings_polled)
        self._rejected.set(spool.readings_rejected)
        self._forwarded.set(spool.readings_forwarded)
        self._spooled.set(spool.readings_spooled)
        self._quarantined.set(spool.telegrams_quarantined)
        self._dropped.set(status.telegrams_dropped)
        self._online.set(online)
        self._offline.set(len(status.devices) - online)
