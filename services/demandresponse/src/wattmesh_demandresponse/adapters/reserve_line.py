"""Signals of reserves to control, on one stream that stays open."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import grpc

from wattmesh.control.v1 import control_pb2_grpc, reserve_pb2
from wattmesh_contracts.reserve_signals import reserve_signal_to_proto
from wattmesh_demandresponse.app.signal_reserve import ToldSites
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.reserve_signal import ReserveSignal
from wattmesh_runtime.errors import rpc_errors

_MOST_SIGNALS = 1000
_WAIT_SECONDS = 2.0
"""How long control may take: a signal that is older is worth nothing."""


class GrpcReserveLine:
    """One request at a time, as answers come in the order of requests."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = control_pb2_grpc.ControlServiceStub(channel)
        self._call: Any = None
        self._alone = asyncio.Lock()

    async def pass_on(self, signals: Sequence[ReserveSignal]) -> ToldSites:
        """Pass signals on; return the sites that control told itself. Error: Unavailable."""
        told, stood_in = set[str](), set[str]()
        async with self._alone:
            for start in range(0, len(signals), _MOST_SIGNALS):
                answer = await self._ask(signals[start : start + _MOST_SIGNALS])
                told.update(answer.told_sites)
                stood_in.update(answer.stood_in_sites)
        return ToldSites(
            told=[SiteId.parse(each) for each in told],
            stood_in=[SiteId.parse(each) for each in stood_in],
        )

    async def _ask(self, signals: Sequence[ReserveSignal]) -> reserve_pb2.SignalReservesResponse:
        request = reserve_pb2.SignalReservesRequest(signals=map(reserve_signal_to_proto, signals))
        if self._call is None or self._call.done():
            self._call = self._stub.SignalReserves()
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                with rpc_errors():
                    await self._call.write(request)
                    answer = await self._call.read()
        except BaseException as error:  # what it answers later would be taken for another's
            self._call.cancel()
            self._call = None
            if isinstance(error, TimeoutError | asyncio.InvalidStateError):
                raise Unavailable("CONTROL_SILENT", "control does not answer") from error
            raise
        if answer is grpc.aio.EOF:
            self._call = None
            raise Unavailable("CONTROL_SILENT", "control ended the stream")
        return cast(reserve_pb2.SignalReservesResponse, answer)
