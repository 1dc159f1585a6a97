"""wattmesh.type.v1.EnergyWorth ↔ the kernel's."""

from wattmesh.type.v1 import worth_pb2 as pb
from wattmesh_contracts.values import at_field
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.worth import EnergyWorth, StoredWorth


def energy_worth_from_proto(proto: pb.EnergyWorth) -> EnergyWorth:
    """Return what energy is worth; InvalidArgument with the field for what makes no sense."""
    with at_field("worth"):
        return EnergyWorth(
            import_price_per_kwh=proto.import_price_per_kwh,
            export_price_per_kwh=proto.export_price_per_kwh,
            stores=tuple(map(_stored_from_proto, proto.stores)),
            reduction_price_per_kwh=proto.reduction_price_per_kwh,
            reduction_floor_w=(
                proto.reduction_floor_w if proto.HasField("reduction_floor_w") else None
            ),
        )


def energy_worth_to_proto(worth: EnergyWorth) -> pb.EnergyWorth:
    """Return what energy is worth as its proto."""
    return pb.EnergyWorth(
        import_price_per_kwh=worth.import_price_per_kwh,
        export_price_per_kwh=worth.export_price_per_kwh,
        stores=map(_stored_to_proto, worth.stores),
        reduction_price_per_kwh=worth.reduction_price_per_kwh,
        reduction_floor_w=worth.reduction_floor_w,
    )


def _stored_from_proto(proto: pb.StoredWorth) -> StoredWorth:
    with at_field("stores"):
        return StoredWorth(
            device=DeviceId.parse(proto.device, "device"),
            values_per_kwh=tuple(proto.values_per_kwh),
            charge_efficiency_ratio=proto.charge_efficiency_ratio,
            discharge_efficiency_ratio=proto.discharge_efficiency_ratio,
            kept_soc_ratio=proto.kept_soc_ratio,
            capacity_wh=proto.capacity_wh,
        )


def _stored_to_proto(stored: StoredWorth) -> pb.StoredWorth:
    return pb.StoredWorth(
        device=stored.device.name,
        values_per_kwh=stored.values_per_kwh,
        charge_efficiency_ratio=stored.charge_efficiency_ratio,
        discharge_efficiency_ratio=stored.discharge_efficiency_ratio,
        kept_soc_ratio=stored.kept_soc_ratio,
        capacity_wh=stored.capacity_wh,
    )
