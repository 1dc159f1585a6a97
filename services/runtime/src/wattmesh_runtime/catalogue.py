"""What whoever integrates must know and cannot guess, as a message."""

from datetime import timedelta
from functools import cache

from wattmesh.status.v1 import status_pb2
from wattmesh.type.v1 import error_reason_pb2
from wattmesh_contracts.values import duration_to_proto, timestamp_to_proto
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.quantities import QUANTITIES, Kind

_PREFIX = "ERROR_REASON_"


def catalogue_to_proto(clock: Clock) -> status_pb2.GetCatalogueResponse:
    """Return the catalogue at the present time of a clock."""
    answer = status_pb2.GetCatalogueResponse()
    answer.CopyFrom(_unchanging())
    answer.mesh_time.CopyFrom(timestamp_to_proto(clock.now()))
    answer.wall_second.CopyFrom(duration_to_proto(timedelta(seconds=clock.rate)))
    return answer


@cache
def _unchanging() -> status_pb2.GetCatalogueResponse:
    reasons = error_reason_pb2.ErrorReason.keys()
    return status_pb2.GetCatalogueResponse(
        quantities=[
            status_pb2.CatalogueQuantity(
                quantity=each.id,
                unit=each.unit,
                is_register=each.kind is Kind.REGISTER,
                min_value=each.minimum,
                max_value=each.maximum,
            )
            for each in sorted(QUANTITIES.values(), key=lambda each: each.id)
        ],
        error_reasons=sorted(
            each.removeprefix(_PREFIX) for each in reasons if not each.endswith("UNSPECIFIED")
        ),
    )
