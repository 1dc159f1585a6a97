"""How forecasts of a site came out, beside what their model had promised."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import grpc

from wattmesh.forecast.v1 import forecast_pb2, forecast_pb2_grpc
from wattmesh_alerting.domain.condition import Condition
from wattmesh_alerting.domain.latch import Latch
from wattmesh_alerting.domain.rules import Rule
from wattmesh_alerting.domain.skill import LEAST_COMPARED, Skill
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.sites import Asset, LoadRating, PvRating, Site
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors
from wattmesh_sitemodel.view import SiteModelView

_JUDGED = timedelta(days=1)
_OVER = timedelta(days=1)
"""Forecasts are judged once the day that they were about is over."""
_STAYS = 0.95
_KINDS: Mapping[str, type] = {"load": LoadRating, "pv": PvRating}


class ForecastSkill:
    """Judges the forecasts of a site's loads and plants."""

    def __init__(self, channel: grpc.aio.Channel, view: SiteModelView, clock: Clock) -> None:
        self._stub = forecast_pb2_grpc.ForecastServiceStub(channel)
        self._view = view
        self._clock = clock
        self._latch = Latch()

    async def __call__(self, site: Site) -> Sequence[Condition]:
        """Return which kinds of forecasts have drifted. Error: Unavailable."""
        now = self._clock.now()
        drifted = dict[str, Skill]()
        for kind, rating in _KINDS.items():
            assets = [
                each
                for each in self._view.model.assets_of(site.id)
                if isinstance(each.rating, rating)
            ]
            skill = await self._skill(assets, now) if assets else None
            if skill is None or not self._latch.holds(
                (site.id, kind),
                skill.relative,
                begins=skill.bearable,
                ends=_STAYS * skill.bearable,
            ):
                continue
            drifted[kind] = skill
        return [_condition(site, drifted, now)] if drifted else []

    async def _skill(self, assets: Sequence[Asset], now: datetime) -> Skill | None:
        """Return how forecasts of the day before yesterday came out; None: too few to say."""
        issued = TimeRange(now - _OVER - _JUDGED, now - _OVER)
        request = forecast_pb2.EvaluateForecastsRequest(
            assets=[each.id.name for each in assets], issue_range=time_range_to_proto(issued)
        )
        with rpc_errors():
            answer = await self._stub.EvaluateForecasts(request)
        if answer.compared < LEAST_COMPARED or not (
            answer.HasField("wape_ratio") and answer.HasField("naive_wape_ratio")
        ):
            return None
        return Skill(
            error_ratio=answer.wape_ratio,
            naive_ratio=answer.naive_wape_ratio,
            compared=answer.compared,
            promised_ratio=await self._promised(answer.forecasts_by_source),
        )

    async def _promised(self, sources: Mapping[str, int]) -> float | None:
        """Return what the model that made most of them had promised; None: no model did."""
        most = max(sources, key=lambda source: sources[source], default="")
        if not most.startswith("model:"):
            return None
        model, _, version = most.removeprefix("model:").partition("/")
        request = forecast_pb2.GetModelRequest(name=f"models/{model}/versions/{version}")
        with rpc_errors():
            found = (await self._stub.GetModel(request)).model
        if found.holdout_naive_wape_ratio <= 0:
            return None
        return found.holdout_wape_ratio / found.holdout_naive_wape_ratio


def _condition(site: Site, drifted: Mapping[str, Skill], now: datetime) -> Condition:
    worst = max(drifted.values(), key=lambda skill: skill.relative / skill.bearable)
    return Condition(
        rule=Rule.FORECAST_DRIFT,
        subject=site.name,
        since=now,
        site=site.id,
        description="; ".join(
            f"{kind} forecasts were off by {skill.error_ratio:.0%} of what was metered, the naive"
            f" ones by {skill.naive_ratio:.0%}"
            for kind, skill in drifted.items()
        ),
        value=worst.relative,
        threshold=worst.bearable,
        unit="1",
        links=tuple(f"models/{kind}" for kind in drifted),
    )
