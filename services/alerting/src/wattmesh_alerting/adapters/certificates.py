"""The certificates that services show: when they end."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

import grpc

from wattmesh.status.v1 import status_pb2, status_pb2_grpc
from wattmesh_alerting.domain.condition import Condition, News, survey
from wattmesh_alerting.domain.rules import Rule
from wattmesh_contracts.values import time_range_from_proto
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors

ENDING = 1 / 6
"""Whoever renews has done so at a third of its life; below this share it was not."""


class Certificates:
    """Asks each service that alerting talks to; one that does not answer stays as it was."""

    def __init__(self, channels: Mapping[str, grpc.aio.Channel], clock: Clock) -> None:
        self._stubs = {
            name: status_pb2_grpc.StatusServiceStub(channel) for name, channel in channels.items()
        }
        self._clock = clock
        self._held: dict[str, TimeRange | None] = {}

    async def __call__(self) -> list[News]:
        """Return whose certificate is about to end."""
        await asyncio.gather(*(self._ask(name) for name in self._stubs))
        now = self._clock.now()
        wall = datetime.now(UTC)  # certificates know no other time, whatever the mesh's clock is
        conditions = [
            _condition(name, held, wall, now)
            for name, held in self._held.items()
            if held is not None and held.end - wall < ENDING * held.duration
        ]
        return [survey((Rule.CERTIFICATE_ENDING,), conditions, now)]

    async def _ask(self, name: str) -> None:
        try:
            with rpc_errors():
                answer = await self._stubs[name].GetStatus(status_pb2.GetStatusRequest())
        except WattmeshError:
            return  # that it is away is known already, as a dependency
        self._held[name] = (
            time_range_from_proto(answer.certificate_range, "certificate_range")
            if answer.HasField("certificate_range")
            else None
        )


def _condition(name: str, held: TimeRange, wall: datetime, now: datetime) -> Condition:
    left = held.end - wall
    return Condition(
        rule=Rule.CERTIFICATE_ENDING,
        subject=f"services/{name}",
        since=now,
        description=f"it is valid until {held.end:%Y-%m-%d %H:%M} UTC",
        value=left.total_seconds() / 3600,
        threshold=ENDING * held.duration.total_seconds() / 3600,
        unit="h",
        time_left=left,
    )
