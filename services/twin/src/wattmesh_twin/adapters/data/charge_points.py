"""What a layout says of fuses and charge points, and who comes to them."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from wattmesh_kernel.sites import GridConnectionRating, Node, Phase
from wattmesh_kernel.time import TimeRange
from wattmesh_twin.adapters.data.ev2gym import session_distributions
from wattmesh_twin.adapters.data.layout import ChargePoint, Connection, Fuse, Site, Vehicle
from wattmesh_twin.adapters.visits import load_visits
from wattmesh_twin.domain.charger import Visit
from wattmesh_twin.domain.drawn_visits import Habits, draw_visits
from wattmesh_twin.domain.site import ChargePointSpec
from wattmesh_twin.domain.vehicle import VehicleSpec

Visits = tuple[Visit, ...]


def charge_point_spec(point: ChargePoint) -> ChargePointSpec:
    """Return a charge point."""
    return ChargePointSpec(
        id=point.id,
        display_name=point.display_name,
        max_current_a=point.max_current_a,
        phase=Phase(point.phase),
        node_id=point.node,
    )


def fuse_node(fuse: Fuse) -> Node:
    """Return a fuse or transformer as a node of the site."""
    return Node(
        id=fuse.id,
        parent_id=fuse.parent,
        display_name=fuse.display_name,
        max_import_power_w=_watts(fuse.max_import_kw),
        max_phase_import_power_w=_watts(fuse.max_phase_import_kw),
    )


def connection_rating(connection: Connection) -> GridConnectionRating:
    """Return the limits of a grid connection."""
    return GridConnectionRating(
        max_import_power_w=_watts(connection.max_import_kw),
        max_phase_import_power_w=_watts(connection.max_phase_import_kw),
    )


def visits_of(
    site: Site, folder: Path, measured: TimeRange, zone: ZoneInfo
) -> Mapping[str, Visits]:
    """Return who comes to each charge point of a site, from its file or drawn."""
    visits = partial(_visits, site=site.id, folder=folder, measured=measured, zone=zone)
    return {point.id: visits(point) for point in site.charge_points}


def _visits(
    point: ChargePoint, *, site: str, folder: Path, measured: TimeRange, zone: ZoneInfo
) -> Visits:
    drawn = point.visits
    if isinstance(drawn, str):
        return load_visits(folder / drawn)
    habits = Habits(
        vehicles=[(each.token, _vehicle(each)) for each in drawn.vehicles],
        visits_per_day=drawn.visits_per_day,
        declared_ratio=drawn.declared_ratio,
        works=drawn.place == "workplace",
    )
    known = session_distributions(folder / drawn.folder, drawn.place)
    return draw_visits(habits, known, measured, zone, f"{site}/{point.id}")


def _vehicle(vehicle: Vehicle) -> VehicleSpec:
    return VehicleSpec(
        capacity_wh=vehicle.capacity_kwh * 1e3,
        max_current_a=vehicle.max_current_a,
        phases=vehicle.phases,
        limit_soc_ratio=vehicle.limit_soc,
    )


def _watts(kilowatts: float | None) -> float | None:
    return None if kilowatts is None else kilowatts * 1e3
