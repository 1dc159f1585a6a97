"""Pass on what reserves ask of sites, to the loops of their gateways, at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wattmesh_control.app.devices import Devices
from wattmesh_control.app.links import GatewayLinks
from wattmesh_control.app.ports import Notice, Notices
from wattmesh_control.app.reserve_reach import ReserveReach
from wattmesh_control.domain.stand_in import StoodIn, stand_in
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.reserve_signal import ReserveSignal


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """Which sites' gateways were told from here, and which are left to other processes.

    `stood_in`: sites that cannot follow, for which others of their pool do; `left_w`: what of pools
    nobody could be asked for [W].
    """

    told: tuple[SiteId, ...]
    passed_on: tuple[SiteId, ...]
    stood_in: tuple[SiteId, ...] = ()
    left_w: float = 0.0


class SignalReserves:
    """Nothing is kept and nothing waits: a signal that comes late is worth nothing.

    `reach` None: nobody stands in for anybody.
    """

    def __init__(
        self,
        devices: Devices,
        links: GatewayLinks,
        notices: Notices,
        reach: ReserveReach | None = None,
    ) -> None:
        self._devices = devices
        self._links = links
        self._notices = notices
        self._reach = reach

    async def __call__(self, signals: Sequence[ReserveSignal]) -> Told:
        """Tell the gateways that are connected here, and the other processes of the rest."""
        asked = await self._stood_in(signals)
        told = self.here(asked.signals)
        rest = tuple(each for each in asked.signals if each.site not in told)
        if rest:
            self._notices.tell(Notice(signals=rest))
        return Told(
            told=tuple(dict.fromkeys(each.site for each in signals if each.site in told)),
            passed_on=tuple(dict.fromkeys(each.site for each in rest)),
            stood_in=asked.sites,
            left_w=asked.left_w,
        )

    def here(self, signals: Iterable[ReserveSignal]) -> set[SiteId]:
        """Tell the gateways that are connected here; return the sites that were told."""
        following = {
            each.gateway: each for each in self._links.counting if each.takes_reserve_signals
        }
        found = set[SiteId]()
        for signal in signals:
            devices = self._devices.model.devices_of_site(signal.site)
            for gateway in {each.gateway for each in devices} & following.keys():
                following[gateway].say(signal)
                found.add(signal.site)
        return found

    async def _stood_in(self, signals: Sequence[ReserveSignal]) -> StoodIn:
        pooled = list(dict.fromkeys(each.site for each in signals if each.pool))
        if not pooled or self._reach is None:
            return StoodIn(signals=tuple(signals))
        return stand_in(signals, await self._reach.able(pooled))
