"""Foresight, from the optimizer that also plans."""

from datetime import timedelta

import grpc
import numpy as np

from wattmesh.optimizer.v1 import optimizer_pb2, optimizer_pb2_grpc, problem_pb2
from wattmesh_analytics.domain.scenario import Planned, Window
from wattmesh_contracts.billing import billing_state_to_proto
from wattmesh_contracts.ratings import rating_to_proto
from wattmesh_contracts.tariff import tariff_to_proto
from wattmesh_contracts.values import duration_to_proto, timestamp_to_proto
from wattmesh_kernel.tariff import lower_tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors

_TIME_LIMIT = timedelta(seconds=5)


class GrpcSolver:
    """Solves one window after the other."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = optimizer_pb2_grpc.OptimizerServiceStub(channel)
        self._options = optimizer_pb2.SolveOptions(time_limit=duration_to_proto(_TIME_LIMIT))

    async def solve(self, window: Window) -> Planned:
        """Return what batteries do in the intervals that are kept."""
        request = optimizer_pb2.SolveRequest(problem=_problem(window), options=self._options)
        with rpc_errors():
            plan = (await self._stub.Solve(request)).plan
        found = {each.asset_name: each for site in plan.sites for each in site.assets}
        return Planned(
            powers_w={
                asset: np.array(found[asset.name].powers_w[: window.keep], dtype=np.float64)
                for asset in window.batteries
            },
            soc_ratios={
                asset: min(max(found[asset.name].soc_ratios[window.keep], 0.0), 1.0)
                for asset in window.batteries
            },
        )


def _problem(window: Window) -> problem_pb2.Problem:
    count = len(window.rest_w)
    site = problem_pb2.Site(
        name=window.site.name,
        time_zone=window.zone.key,
        tariff=tariff_to_proto(window.tariff),
    )
    if window.state is not None:
        site.billing_state.CopyFrom(billing_state_to_proto(window.state))
    load = site.assets.add(name=f"{window.site.name}/assets/rest")
    load.fixed_load.powers_w.extend((window.rest_w).tolist())
    price = _lowest_price(window, count)
    for asset, rating in window.batteries.items():
        battery = site.assets.add(name=asset.name).battery
        battery.rating.CopyFrom(rating_to_proto(rating))
        battery.initial_soc_ratio = window.soc_ratios[asset]
        battery.terminal_value_per_kwh = price * rating.discharge_efficiency_ratio
        if asset in window.final_soc_ratios:
            battery.final_soc_ratio = window.final_soc_ratios[asset]
    return problem_pb2.Problem(
        horizon=problem_pb2.Horizon(
            start_time=timestamp_to_proto(window.start),
            resolution=duration_to_proto(window.resolution),
            count=count,
        ),
        currency_code=window.tariff.currency_code,
        sites=[site],
    )


def _lowest_price(window: Window, count: int) -> float:
    """Return the lowest import price ahead, at which the planner too values what is left."""
    span = TimeRange.of(window.start, count * window.resolution)
    prices = lower_tariff(window.tariff, span, window.resolution, window.zone).import_price_per_kwh
    known = prices[np.isfinite(prices)]
    return max(float(known.min()), 0.0) if known.size else 0.0
