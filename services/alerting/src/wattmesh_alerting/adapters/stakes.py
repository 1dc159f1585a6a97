"""What is at stake in alerts about devices and plans, by the plans that were made."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import grpc

from wattmesh.planner.v1 import planner_pb2, planner_pb2_grpc
from wattmesh_alerting.adapters.day_costs import money
from wattmesh_alerting.adapters.planned_sites import PlannedSites, planned_sites
from wattmesh_alerting.domain.appraisal import OF_PLANS, Appraisal
from wattmesh_alerting.domain.condition import Condition
from wattmesh_alerting.domain.rules import Rule
from wattmesh_contracts.values import datetime_from_proto, time_range_to_proto
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, GroupId, SiteId
from wattmesh_kernel.sites import Device, SiteModel
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors
from wattmesh_sitemodel.view import SiteModelView

_LOOK_BACK = timedelta(days=2)
"""A plan is for a day or two; older ones have nothing left."""
_PLANS = 20
"""So many plans in a row may have failed before nobody knows what one is worth."""
_MOST_SCOPES = 50
_KEPT = 64
_ACCEPTED = (planner_pb2.PLAN_STATE_MADE, planner_pb2.PLAN_STATE_LATE)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Priced:
    """A plan with what it makes of its sites."""

    name: str
    currency: str
    start: datetime
    accepted: datetime | None
    sites: PlannedSites

    @property
    def end(self) -> datetime:
        return max((each.end for each in self.sites.values()), default=self.start)


class Stakes:
    """Appraiser: says by the plan in force what is lost to it, or with it, until its end.

    Prices of energy alone count: neither peaks, nor limits, nor comfort.
    """

    def __init__(self, planner: grpc.aio.Channel, view: SiteModelView, clock: Clock) -> None:
        self._stub = planner_pb2_grpc.PlannerServiceStub(planner)
        self._view = view
        self._clock = clock
        self._known: dict[str, _Priced] = {}

    async def __call__(self, condition: Condition) -> Appraisal | None:
        """Return what is at stake; None: no plan tells. Error: Unavailable."""
        now = self._clock.now()
        if condition.rule in OF_PLANS:
            return await self._of_plan(condition, now)
        lost = _lost_assets(_lost_subject(condition), self._view.model, now)
        by_scope = defaultdict[str, set[str]](set)
        for asset in lost:
            by_scope[_scope(self._view.model, asset.site)].add(asset.name)
        return await self._of_assets(by_scope, now)

    async def _of_assets(
        self, by_scope: Mapping[str, Collection[str]], now: datetime
    ) -> Appraisal | None:
        worths = list[tuple[_Priced, float]]()
        for scope in list(by_scope)[:_MOST_SCOPES]:
            plan = await self._in_force(scope, now)
            worth = None if plan is None else _worth(plan, by_scope[scope], now, plan.end)
            if plan is not None and worth is not None:
                worths.append((plan, worth))
        if not worths:
            return None
        first = worths[0][0]
        amount = sum(worth for plan, worth in worths if plan.currency == first.currency)
        whose = "the plan has" if len(worths) == 1 else f"{len(worths)} plans have"
        return _appraisal(
            first,
            amount,
            f"at stake is what energy costs more without what {whose} this do"
            f" until {first.end:%Y-%m-%d %H:%M} UTC",
        )

    async def _of_plan(self, condition: Condition, now: datetime) -> Appraisal | None:
        if condition.rule is Rule.PLAN_FAILED:
            return _whole(await self._in_force(condition.subject, now), now)
        plan = await self._plan(condition.links[0])
        if condition.rule is Rule.PLAN_LATE:
            return _late(plan)
        named = {each for each in condition.links[1:] if "/assets/" in each}
        if named == set(condition.links[1:]):
            return await self._of_degraded(condition.subject, plan, named, now)
        return _at_most(plan, None, now, "all that the plan steers")

    async def _of_degraded(
        self, scope: str, plan: _Priced, assets: Collection[str], now: datetime
    ) -> Appraisal | None:
        """Return what plans make of assets that this one assumes something of, or leaves out."""
        there = {asset.name for site in plan.sites.values() for asset in site.assets}
        if not there & set(assets):
            older = await self._in_force(scope, now, of=assets)
            return (
                None
                if older is None
                else _at_most(older, assets, now, "what is left out, by the last plan that had it,")
            )
        return _at_most(plan, assets, now, "what the plan knows too little of")

    async def _in_force(
        self, scope: str, now: datetime, of: Collection[str] = ()
    ) -> _Priced | None:
        """Return the newest plan that control took and that is not over; `of`: which has these."""
        request = planner_pb2.ListPlansRequest(
            parent=scope,
            page_size=_PLANS,
            start_range=time_range_to_proto(TimeRange(now - _LOOK_BACK, now + _LOOK_BACK)),
        )
        with rpc_errors():
            answer = await self._stub.ListPlans(request)
        for each in answer.plans:
            if each.scope != scope or each.state not in _ACCEPTED:
                continue
            plan = await self._plan(each.name)
            has = {asset.name for site in plan.sites.values() for asset in site.assets}
            if plan.end > now and (not of or has & set(of)):
                return plan
        return None

    async def _plan(self, name: str) -> _Priced:
        if name not in self._known:
            with rpc_errors():
                request = planner_pb2.GetPlanRequest(name=name)
                plan = (await self._stub.GetPlan(request)).plan
            while len(self._known) >= _KEPT:
                del self._known[next(iter(self._known))]
            self._known[name] = _priced(plan)
        return self._known[name]


def _priced(plan: planner_pb2.Plan) -> _Priced:
    accepted = plan.accept_time if plan.HasField("accept_time") else None
    return _Priced(
        name=plan.name,
        currency=plan.problem.currency_code,
        start=datetime_from_proto(plan.target_range.start_time, "target_range.start_time"),
        accepted=None if accepted is None else datetime_from_proto(accepted, "accept_time"),
        sites=planned_sites(plan),
    )


def _worth(
    plan: _Priced, names: Collection[str] | None, begin: datetime, end: datetime
) -> float | None:
    found = (site.worth(names, begin, end) for site in plan.sites.values())
    known = [each for each in found if each is not None]
    return sum(known) if known else None


def _appraisal(plan: _Priced, amount: float, words: str) -> Appraisal:
    return Appraisal(amount=money(amount, plan.currency), words=words, plan=plan.name)


def _whole(plan: _Priced | None, now: datetime) -> Appraisal | None:
    worth = None if plan is None else _worth(plan, None, now, plan.end)
    if plan is None or worth is None:
        return None
    return _appraisal(
        plan,
        worth,
        f"at stake is what energy costs more without control than by the last plan that was made,"
        f" until {plan.end:%Y-%m-%d %H:%M} UTC",
    )


def _late(plan: _Priced) -> Appraisal | None:
    if plan.accepted is None:
        return None
    worth = _worth(plan, None, plan.start, plan.accepted)
    if worth is None:
        return None
    return _appraisal(
        plan, worth, "at stake is what it would have made of the time before it was accepted"
    )


def _at_most(
    plan: _Priced, names: Collection[str] | None, now: datetime, whose: str
) -> Appraisal | None:
    worth = _worth(plan, names, now, plan.end)
    if worth is None:
        return None
    return _appraisal(
        plan,
        worth,
        f"at stake is at most the worth of choosing when for {whose} by energy prices"
        f" until {plan.end:%Y-%m-%d %H:%M} UTC",
    )


def _lost_subject(condition: Condition) -> str:
    """Return whose devices are lost: without the loop's meter, all of its site are held safe."""
    if condition.rule is Rule.LOOP_METER_STALE and condition.site is not None:
        return condition.site.name
    return condition.subject


def _lost_assets(subject: str, model: SiteModel, now: datetime) -> list[AssetId]:
    """Return the assets that are lost to plans with a device, gateway, site or group."""
    found = (model.controlled_by(each.id, now) for each in _devices(subject, model, now))
    return list(dict.fromkeys(asset for assets in found for asset in assets))


def _devices(subject: str, model: SiteModel, now: datetime) -> Iterable[Device]:
    kind = subject.split("/")[0]
    if kind == "gateways":
        return model.devices_of_gateway(GatewayId.parse(subject))
    if kind == "groups":
        group = model.groups.get(GroupId.parse(subject))
        sites = () if group is None else group.sites
        return [each for site in sites for each in model.devices_of_site(site)]
    if "/devices/" in subject:
        device = model.devices.get(DeviceId.parse(subject))
        return () if device is None else (device,)
    return model.devices_of_site(SiteId.parse(subject))


def _scope(model: SiteModel, site: SiteId) -> str:
    group = model.group_of(site)
    return site.name if group is None else group.name
