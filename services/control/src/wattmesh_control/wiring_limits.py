"""Builds what keeps limits of sites and groups, and what tells loops of them."""

from wattmesh_control.adapters.postgres_acknowledgements import PostgresAcknowledgements
from wattmesh_control.adapters.postgres_exchanges import PostgresExchanges
from wattmesh_control.adapters.postgres_holds import PostgresHoldArchive
from wattmesh_control.adapters.postgres_proposals import PostgresConductors
from wattmesh_control.app.announce import CommandBroadcast
from wattmesh_control.app.devices import Devices
from wattmesh_control.app.keep_nodes import KeepNodes
from wattmesh_control.app.links import GatewayLinks
from wattmesh_control.app.loop_policies import IssueLoopPolicies
from wattmesh_control.app.measure_rest import MeasureRest
from wattmesh_control.app.ports import EnergyMeter, LimitArchive
from wattmesh_control.app.shards import Shards
from wattmesh_control.app.share_limits import ShareLimits
from wattmesh_control.app.unit_of_work import UnitOfWork
from wattmesh_control.domain.loop_policy import LoopRule
from wattmesh_kernel.clock import Clock
from wattmesh_runtime.database import Database


def sharing_of(
    clock: Clock,
    devices: Devices,
    limits: LimitArchive,
    unit_of_work: UnitOfWork,
    shards: Shards,
    broadcast: CommandBroadcast,
    meter: EnergyMeter,
) -> ShareLimits:
    """Return what shares limits of sites and groups among devices."""
    return ShareLimits(
        clock=clock,
        devices=devices,
        limits=limits,
        rest=MeasureRest(clock=clock, devices=devices, meter=meter),
        unit_of_work=unit_of_work,
        shards=shards,
        broadcast=broadcast,
    )


def nodes_of(
    clock: Clock, devices: Devices, limits: LimitArchive, shards: Shards, share: ShareLimits
) -> KeepNodes:
    """Return what keeps the limits of feeders, transformers and fuses."""
    return KeepNodes(clock=clock, devices=devices, limits=limits, shards=shards, share=share)


def policies_of(
    clock: Clock,
    links: GatewayLinks,
    devices: Devices,
    limits: LimitArchive,
    database: Database,
    rule: LoopRule,
) -> IssueLoopPolicies:
    """Return what tells gateways what their loops may do."""
    return IssueLoopPolicies(
        clock=clock,
        links=links,
        devices=devices,
        limits=limits,
        holds=PostgresHoldArchive(database),
        exchanges=PostgresExchanges(database),
        conductors=PostgresConductors(database),
        acknowledgements=PostgresAcknowledgements(database),
        rule=rule,
    )
