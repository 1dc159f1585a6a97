"""Planning inputs as the optimizer's problem."""

from collections import OrderedDict

from wattmesh.optimizer.v1 import problem_pb2
from wattmesh.type.v1 import tariff_pb2
from wattmesh_contracts.billing import billing_state_to_proto
from wattmesh_contracts.tariff import tariff_to_proto
from wattmesh_contracts.values import (
    duration_to_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.sites import Microgrid
from wattmesh_kernel.tariff import Tariff
from wattmesh_planner.adapters.ensemble_problem import ensemble_to_proto
from wattmesh_planner.adapters.event_problem import events_to_proto, limits_to_proto
from wattmesh_planner.adapters.kinds import PARTS
from wattmesh_planner.adapters.node_limits import limit_connection, limit_group, nodes_to_proto
from wattmesh_planner.adapters.reserve_problem import reserves_to_proto
from wattmesh_planner.domain.inputs import PlanInputs, SiteInputs
from wattmesh_planner.domain.kinds.grid_connection import Islanded
from wattmesh_planner.domain.prices import tie_price_per_kw
from wattmesh_planner.domain.readiness import outage_from

_MOST_TARIFFS = 512


class ProblemWriter:
    """Writes problems; tariffs that are the same from site to site are converted once."""

    def __init__(self, carbon_price_per_kg: float) -> None:
        self._carbon_price_per_kg = carbon_price_per_kg
        self._tariffs: OrderedDict[int, tuple[Tariff, tariff_pb2.Tariff]] = OrderedDict()

    def problem(self, inputs: PlanInputs) -> problem_pb2.Problem:
        """Return the problem of one plan."""
        scope = inputs.scope
        problem = problem_pb2.Problem(
            horizon=problem_pb2.Horizon(
                start_time=timestamp_to_proto(inputs.target.start),
                resolution=duration_to_proto(inputs.resolution),
                count=inputs.target.count(inputs.resolution),
            ),
            currency_code=scope.sites[0].site.currency_code,
            sites=[self._site(site, inputs) for site in inputs.sites],
            goals=self._goals(inputs),
            events=(*events_to_proto(inputs), *limits_to_proto(inputs)),
            reserves=reserves_to_proto(inputs),
            ensemble=ensemble_to_proto(inputs),
        )
        if scope.group is not None:
            problem.groups.append(_group(inputs))
        return problem

    def _goals(self, inputs: PlanInputs) -> problem_pb2.Goals:
        """Return the goals; without any intensity a carbon price has nothing to apply to."""
        goals, alone = inputs.scope.goals, inputs.scope.group is None
        known = any(site.average_gco2e_per_kwh is not None for site in inputs.sites)
        carbon = _said(goals.carbon_price_per_kg, self._carbon_price_per_kg)
        return problem_pb2.Goals(
            carbon_price_per_kg=carbon if known else 0.0,
            carbon_basis=problem_pb2.CARBON_BASIS_AVERAGE,
            peak_price_per_kw=_said(goals.site_peak_price_per_kw, 0.0),
            ramp_price_per_kw=_said(goals.ramp_price_per_kw, _of_ties(inputs)) if alone else 0.0,
        )

    def _site(self, site: SiteInputs, inputs: PlanInputs) -> problem_pb2.Site:
        known = site.site.site
        message = problem_pb2.Site(
            name=known.name,
            time_zone=known.time_zone,
            nodes=nodes_to_proto(known.name, known.nodes, inputs),
        )
        for asset in site.assets:
            PARTS[type(asset.asset.rating)].add_to(message, asset, site)
        limit_connection(message, inputs)
        if site.price is not None:
            message.tariff.CopyFrom(self._tariff(site.price.tariff))
        if site.billing_state is not None:
            message.billing_state.CopyFrom(billing_state_to_proto(site.billing_state))
        if site.average_gco2e_per_kwh is not None:
            intensities = site.average_gco2e_per_kwh.values.tolist()
            message.carbon_intensity.average_intensities_gco2e_per_kwh.extend(intensities)
        if site.power_before_w is not None:
            message.power_before_w = site.power_before_w
        if any(isinstance(each.state, Islanded) for each in site.assets):
            outage = outage_from(inputs.target, known.microgrid)
            message.islanded_ranges.append(time_range_to_proto(outage))
        elif known.microgrid is not None:
            _keep_ready(message, known.microgrid)
        return message

    def _tariff(self, tariff: Tariff) -> tariff_pb2.Tariff:
        kept = self._tariffs.get(id(tariff))
        if kept is None or kept[0] is not tariff:
            kept = self._tariffs[id(tariff)] = (tariff, tariff_to_proto(tariff))
            while len(self._tariffs) > _MOST_TARIFFS:
                self._tariffs.popitem(last=False)
        return kept[1]


def _of_ties(inputs: PlanInputs) -> float:
    """Return what a change of power counts at a site that nobody said it of [currency/kW]."""
    return max((tie_price_per_kw(each.price) for each in inputs.sites), default=0.0)


def _said(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _keep_ready(message: problem_pb2.Site, microgrid: Microgrid) -> None:
    if microgrid.readiness is None:
        return
    reserve = message.islanding_reserve
    reserve.duration.CopyFrom(duration_to_proto(microgrid.readiness))
    reserve.percentile_ratio = microgrid.readiness_percentile_ratio
    reserve.generators_count = True
    if microgrid.readiness_price_per_kwh is not None:
        reserve.shortfall_price_per_kwh = microgrid.readiness_price_per_kwh


def _group(inputs: PlanInputs) -> problem_pb2.SiteGroup:
    scope, group = inputs.scope, inputs.scope.group
    assert group is not None
    message = problem_pb2.SiteGroup(
        name=scope.name,
        site_names=[site.site.name for site in scope.sites],
        peak_price_per_kw=scope.peak_price_per_kw,
        peak_so_far_w=inputs.peak_so_far_w,
        ramp_price_per_kw=group.goals.ramp_price_per_kw,
        netted_billing=group.netted_billing,
        nodes=nodes_to_proto(scope.name, group.nodes, inputs),
    )
    planned = set(message.site_names)
    message.site_node_ids.update(
        {site.name: node for site, node in group.site_node_ids.items() if site.name in planned}
    )
    if group.max_import_power_w is not None or group.max_export_power_w is not None:
        message.limits.CopyFrom(
            problem_pb2.PowerLimits(
                max_import_power_w=group.max_import_power_w,
                max_export_power_w=group.max_export_power_w,
            )
        )
    limit_group(message, inputs)
    return message
