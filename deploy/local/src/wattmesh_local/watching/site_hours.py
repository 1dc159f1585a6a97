"""What a site metered by the hour, beside what its devices would have drawn by plain rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from wattmesh.metering.v1 import metering_pb2
from wattmesh_contracts.values import duration_to_proto, series_from_proto, time_range_to_proto
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange
from wattmesh_local.watching.accounts import INTERVAL
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.ledger import (
    Floats,
    RoomLedger,
    VisitLedger,
    room_ledgers,
    visits,
)
from wattmesh_local.watching.machines import MachineLedger, machine_ledgers, sooner_wh
from wattmesh_local.watching.rooms import NO_CONTROL, RULE, by_rule_wh
from wattmesh_local.watching.sites import WatchedSite
from wattmesh_runtime.errors import rpc_errors


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledgers:
    """What devices wrote down themselves, by the names of sites and assets."""

    visits: Sequence[VisitLedger]
    rooms: Mapping[str, RoomLedger]
    machines: Mapping[str, MachineLedger]

    @classmethod
    def read(cls, folder: Path, before: datetime) -> "Ledgers":
        """Read a run's folder; of visits those that began before a moment."""
        return cls(
            visits=[each for each in visits(folder) if each.arrival < before],
            rooms=room_ledgers(folder),
            machines=machine_ledgers(folder),
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SiteHours:
    """A site's metered energies per hour [Wh], into the component positive, NaN where not known.

    `at_once_wh` is what vehicles would have drawn with nobody in control; `zones_…` and `tanks_…`
    what those drew, and would have by the rules; `machines_…` what work drew that can wait, and
    would have begun at once: all by the devices' own ledgers.
    """

    site: WatchedSite
    load_wh: Floats
    sun_wh: Floats
    wind_wh: Floats
    generators_wh: Floats
    battery_wh: Floats
    charging_wh: Floats
    at_once_wh: Floats
    zones_wh: Floats
    zones_at_rest_wh: Floats
    zones_rule_wh: Floats
    tanks_wh: Floats
    tanks_at_rest_wh: Floats
    tanks_rule_wh: Floats
    machines_wh: Floats
    machines_at_once_wh: Floats


async def site_hours(
    clients: MeshClients,
    site: WatchedSite,
    span: TimeRange,
    ledgers: Ledgers,
) -> SiteHours:
    """Return a site's hours of a span. Error: WattmeshError when somebody asked is away."""
    energies = await _energies(clients, site, span)

    def total(assets: Sequence[AssetId]) -> Floats:
        return np.asarray(sum((energies[each] for each in assets), np.zeros(span.count(INTERVAL))))

    own = {asset.name for asset in site.charge_points}
    rooms = ledgers.rooms
    return SiteHours(
        site=site,
        load_wh=total(site.loads),
        sun_wh=total(site.generation) - total(site.turbines),
        wind_wh=total(site.turbines),
        generators_wh=total(site.generators),
        battery_wh=total(site.batteries),
        charging_wh=total(site.charge_points),
        at_once_wh=_at_once_wh([each for each in ledgers.visits if each.asset in own], span),
        zones_wh=total(site.zones),
        zones_at_rest_wh=by_rule_wh(rooms, site.zones, NO_CONTROL, span),
        zones_rule_wh=by_rule_wh(rooms, site.zones, RULE, span),
        tanks_wh=total(site.tanks),
        tanks_at_rest_wh=by_rule_wh(rooms, site.tanks, NO_CONTROL, span),
        tanks_rule_wh=by_rule_wh(rooms, site.tanks, RULE, span),
        machines_wh=total(site.machines),
        machines_at_once_wh=total(site.machines)
        + sooner_wh(
            ledgers.machines, [each.name for each in site.machines], span, span.count(INTERVAL)
        ),
    )


def _at_once_wh(seen: Sequence[VisitLedger], span: TimeRange) -> Floats:
    """Return what vehicles would have drawn at once in each hour of the span [Wh]."""
    total = np.zeros(span.count(INTERVAL))
    for visit in seen:
        first = _hours(span.start, visit.at_once_start)
        for index, energy_wh in enumerate(visit.at_once_wh, start=first):
            if 0 <= index < total.size:
                total[index] += energy_wh
    return total


def _hours(start: datetime, moment: datetime) -> int:
    return round((moment - start) / timedelta(hours=1))


async def _energies(
    clients: MeshClients, site: WatchedSite, span: TimeRange
) -> Mapping[AssetId, Floats]:
    """Return the energy of each asset of a site's balance per hour [Wh], into it positive."""
    assets = (*site.balance, *site.loads)
    with rpc_errors():
        answer = await clients.metering.QueryEnergy(
            metering_pb2.QueryEnergyRequest(
                assets=[asset.name for asset in assets],
                range=time_range_to_proto(span),
                resolution=duration_to_proto(INTERVAL),
            )
        )
    return {
        asset: series_from_proto(energy.import_energy_wh).values
        - series_from_proto(energy.export_energy_wh).values
        for asset, energy in zip(assets, answer.energies, strict=True)
    }
