"""Solar generation as a renewable source."""

from wattmesh.optimizer.v1 import asset_pb2
from wattmesh_planner.adapters.kinds.renewable import RenewablePart


class PvArrayPart(RenewablePart):
    """Sun."""

    def __init__(self) -> None:
        super().__init__(asset_pb2.RENEWABLE_KIND_PV)
