"""Makes charging sessions of what chargers show that know none by themselves."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from wattmesh_gateway.app.report_sessions import KeepSessions
from wattmesh_gateway.domain.stay import Plug, Seen, Stay, followed
from wattmesh_kernel.ids import DeviceId

_KEPT_EVERY = timedelta(minutes=1)
"""How often a stay is kept of which nothing is new but its energy; at once after a start."""


class StayStore(Protocol):
    """Keeps what is known of chargers, so that a stay outlives the gateway's process."""

    async def plugs(self) -> Mapping[DeviceId, Plug]:
        """Return what is known of each charger."""


class FollowStays:
    """Follows who is at each charger; what is new is on disk when `hear` returns."""

    def __init__(self, store: StayStore, sessions: KeepSessions) -> None:
        self._store = store
        self._sessions = sessions
        self._plugs: dict[DeviceId, Plug] | None = None
        self._kept: dict[DeviceId, Plug] = {}

    async def hear(self, device: DeviceId, seen: Seen) -> None:
        """Take in what a charger shows."""
        if self._plugs is None:
            self._plugs = dict(await self._store.plugs())
        plug, told = followed(self._plugs.get(device, Plug()), seen)
        if self._is_news(device, plug, told):
            sessions = [] if told is None else [told.session(device)]
            await self._sessions.take_with(device, plug, sessions)
            self._kept[device] = plug
        self._plugs[device] = plug

    def _is_news(self, device: DeviceId, plug: Plug, told: Stay | None) -> bool:
        """Return whether it is worth a write: who is there, what goes on, or a minute's energy."""
        kept = self._kept.get(device)
        if kept is None or kept.seen_time is None or plug.seen_time is None:
            return True
        if (kept.stay is None) != (plug.stay is None) or plug.seen_time < kept.seen_time:
            return True
        if kept.stay is not None and plug.stay is not None and kept.stay.state != plug.stay.state:
            return True
        late = plug.seen_time - kept.seen_time >= _KEPT_EVERY
        return late and (told is not None or plug != kept)
