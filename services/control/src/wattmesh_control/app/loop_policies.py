"""Tells gateways what they may do by themselves, and renews that before it ends."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wattmesh_control.app.devices import Devices
from wattmesh_control.app.links import GatewayLink, GatewayLinks
from wattmesh_control.app.ports import (
    Acknowledgements,
    ConductorArchive,
    ExchangeArchive,
    LimitArchive,
)
from wattmesh_control.app.read_holds import HoldArchive, HoldRecord
from wattmesh_control.domain.exchange import StandingExchange
from wattmesh_control.domain.hold import HoldKind
from wattmesh_control.domain.limits import Acknowledgement, Limit
from wattmesh_control.domain.loop_bounds import kept_limits
from wattmesh_control.domain.loop_policy import LoopRule, loop_policies
from wattmesh_control.domain.setpoint import DeviceFilter
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import DeviceId, LimitId, SiteId
from wattmesh_kernel.loop_policy import LoopPolicy, LoopPolicySet
from wattmesh_kernel.sites import Phase, SiteModel
from wattmesh_runtime.aio.losses import LossLog

log = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0
"""How often it is looked whether a policy is another than it was told [s of the wall]."""
_AGAIN = timedelta(minutes=1)
"""How often that is worked out anew though nothing was heard: functions begin and end."""
_PAGE = 1000
_RENEWALS_IN_A_LEASE = 4
_KEEPS_OFF = (HoldKind.STOP, HoldKind.OPT_OUT)


@dataclass(frozen=True, slots=True)
class _Told:
    policies: tuple[LoopPolicy, ...]
    time: datetime
    kept: Mapping[tuple[LimitId, SiteId], Limit]
    """The limits of owners that the gateway keeps by them, and where."""

    @property
    def terms(self) -> dict[tuple[LimitId, SiteId], str]:
        return {key: each.terms for key, each in self.kept.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """What policies were worked out of."""

    model: SiteModel
    limits: list[Limit]
    kept_off: frozenset[DeviceId]
    exchange: int
    """The newest of those that plans count on."""
    conductors: Mapping[DeviceId, Phase]
    turn: datetime
    """When what they count on is another."""
    time: datetime


class IssueLoopPolicies:
    """Runs for ever. A gateway without a policy is told so once, as it may have an older one.

    On a clock that runs much faster than the wall loops are as `LoopRule.on` has them.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        links: GatewayLinks,
        devices: Devices,
        limits: LimitArchive,
        holds: HoldArchive,
        exchanges: ExchangeArchive,
        conductors: ConductorArchive,
        acknowledgements: Acknowledgements,
        rule: LoopRule,
        look_seconds: float = _LOOK_SECONDS,
    ) -> None:
        self._clock = clock
        self._links = links
        self._devices = devices
        self._limits = limits
        self._holds = holds
        self._exchanges = exchanges
        self._conductors = conductors
        self._acknowledgements = acknowledgements
        self._rule = rule.on(clock.rate)
        self._look_seconds = look_seconds
        self._seen: _Seen | None = None
        self._told: dict[GatewayLink, _Told] = {}
        self._acknowledged: dict[GatewayLink, datetime] = {}
        self._loss = LossLog(log, "the database that keeps limits")

    async def __call__(self) -> None:
        """Run for ever."""
        while True:
            try:
                await self._look()
                self._loss.back()
            except Unavailable as error:
                self._loss.lost(error)
            await asyncio.sleep(self._look_seconds)

    async def _look(self) -> None:
        links = [each for each in self._links.counting if each.takes_loop_policies]
        self._told = {link: told for link, told in self._told.items() if link in links}
        if not links or not self._devices.known:
            return
        await self._acknowledge(links)
        now = self._clock.now()
        on_devices = [each for each in await self._all_limits(now) if each.device is not None]
        limits = [*on_devices, *await self._limits.shared(now)]
        seen = _Seen(
            model=self._devices.model,
            limits=limits,
            kept_off=await self._kept_off(now),
            exchange=await self._exchanges.newest(),
            conductors=await self._conductors.fewer(now),
            turn=now + _AGAIN,
            time=now,
        )
        if not self._is_new(seen, links):
            return
        exchanges = await self._standing(links, now)
        self._seen = replace(seen, turn=_turn(exchanges, seen))
        for link in links:
            policies = self._policies(link, seen, exchanges)
            told = _Told(policies, now, kept_limits(seen.limits, policies))
            if self._is_news(link, told):
                self._told[link] = told
                link.say(LoopPolicySet(issue_time=now, policies=policies))

    def _is_new(self, seen: _Seen, links: Sequence[GatewayLink]) -> bool:
        """Return whether anything may be otherwise than it was when it was looked last."""
        last = self._seen
        return (
            last is None
            or seen.model is not last.model
            or seen.limits != last.limits
            or (seen.kept_off, seen.exchange) != (last.kept_off, last.exchange)
            or seen.conductors != last.conductors
            or seen.time >= last.turn
            or any(link not in self._told for link in links)
        )

    async def _standing(
        self, links: Sequence[GatewayLink], now: datetime
    ) -> Sequence[StandingExchange]:
        """Return what plans count on at the sites of these gateways."""
        model = self._devices.model
        sites = {
            device.id.site for link in links for device in model.devices_of_gateway(link.gateway)
        }
        return await self._exchanges.standing(sites, now)

    def _policies(
        self, link: GatewayLink, seen: _Seen, exchanges: Sequence[StandingExchange]
    ) -> tuple[LoopPolicy, ...]:
        return loop_policies(
            *(seen.model, link.gateway, seen.limits, seen.time, self._rule),
            kept_off=seen.kept_off,
            exchanges=exchanges,
            conductors=seen.conductors,
        )

    async def _acknowledge(self, links: Sequence[GatewayLink]) -> None:
        """Keep which limits gateways keep since they took what they were told last."""
        self._acknowledged = {link: at for link, at in self._acknowledged.items() if link in links}
        for link in links:
            told, taken = self._told.get(link), link.policies_taken
            if told is None or taken is None or taken.issue_time != told.time:
                continue
            if self._acknowledged.get(link) == told.time:
                continue
            said = [
                (limit, Acknowledgement(site=site, gateway=link.gateway, time=taken.time))
                for (_, site), limit in told.kept.items()
            ]
            if said:
                await self._acknowledgements.put(said)
            self._acknowledged[link] = told.time

    def _is_news(self, link: GatewayLink, told: _Told) -> bool:
        before = self._told.get(link)
        if before is None or (before.policies, before.terms) != (told.policies, told.terms):
            return True
        renewed = before.time + self._rule.lease / _RENEWALS_IN_A_LEASE
        return bool(told.policies) and told.time >= renewed

    async def _kept_off(self, now: datetime) -> frozenset[DeviceId]:
        """Return what people have stopped, or want to be left alone."""
        found, before = list[HoldRecord](), None
        while True:
            page = await self._holds.page(None, now, before, _PAGE, ended=False)
            found += page
            if len(page) < _PAGE:
                break
            before = page[-1].number
        return frozenset(
            device.device
            for each in found
            if each.hold.kind in _KEEPS_OFF
            for device in self._devices.under(each.hold.subject, now)
        )

    async def _all_limits(self, now: datetime) -> list[Limit]:
        everywhere = DeviceFilter()
        found: list[Limit] = []
        while True:
            after = found[-1].limit.name if found else ""
            page = await self._limits.page(everywhere, now, after, _PAGE)
            found += page
            if len(page) < _PAGE:
                return found


def _turn(exchanges: Sequence[StandingExchange], seen: _Seen) -> datetime:
    """Return when an interval of what plans count on begins or ends next."""
    ends = (
        end
        for each in exchanges
        for interval in each.schedule.intervals
        for end in (interval.span.start, interval.span.end)
        if end > seen.time
    )
    return min([seen.turn, *ends])
