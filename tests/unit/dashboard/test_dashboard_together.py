"""Sums of all sites are of what is fresh alone, and say how much is missing in them."""

from datetime import UTC, datetime, timedelta

from wattmesh_dashboard.domain.flow import FlowKind, KindFlow, SiteFlow
from wattmesh_dashboard.domain.together import is_fresh, together
from wattmesh_kernel.ids import SiteId

NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def flow(kind: FlowKind, power_w: float | None, seconds: float = 0) -> KindFlow:
    return KindFlow(
        kind=kind,
        power_w=power_w,
        measured=NOON - timedelta(seconds=seconds),
        reporting_interval=MINUTE,
        assets=1,
    )


def site(number: int, *flows: KindFlow) -> SiteFlow:
    return SiteFlow(site=SiteId(f"home-{number}"), flows=flows)


def test_an_old_reading_is_in_no_sum_and_its_site_does_not_report() -> None:
    told = [
        site(1, flow(FlowKind.GRID, 500.0), flow(FlowKind.PV, -2000.0)),
        site(2, flow(FlowKind.GRID, 900.0, seconds=156)),
        site(3, flow(FlowKind.GRID, None)),
    ]
    sums = together(4, told, NOON, 1.0)
    grid, pv = sums.flows
    assert (grid.kind, grid.power_w, grid.sites, grid.known) == (FlowKind.GRID, 500.0, 3, 1)
    assert (pv.power_w, pv.known) == (-2000.0, 1)
    assert (sums.sites, sums.reporting) == (4, 2)


def test_what_nobody_knows_is_no_zero() -> None:
    (grid,) = together(1, [site(1, flow(FlowKind.GRID, None))], NOON, 1.0).flows
    assert grid.power_w is None


def test_a_simulation_gives_readings_as_much_of_the_walls_time_on_their_way() -> None:
    assert is_fresh(flow(FlowKind.GRID, 1.0, seconds=155), NOON, 1.0)
    assert not is_fresh(flow(FlowKind.GRID, 1.0, seconds=156), NOON, 1.0)
    assert is_fresh(flow(FlowKind.GRID, 1.0, seconds=1600), NOON, 300.0)
