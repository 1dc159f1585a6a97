"""How many calls a second go through server, interceptor and channel, in one process."""

import asyncio
import json
import time

from tests.fakes.probe_service import ProbeService, ProbeStub, text
from wattmesh_runtime.testing import channel_for_test, serve_for_test

CALLS = 4000
AT_ONCE = 50


async def test_unary_calls_per_second() -> None:
    async with (
        serve_for_test(ProbeService().register) as target,
        channel_for_test(target) as channel,
    ):
        stub = ProbeStub(channel)
        started = time.perf_counter()
        for _ in range(CALLS // AT_ONCE):
            await asyncio.gather(*(_call(stub) for _ in range(AT_ONCE)))
        rate = CALLS / (time.perf_counter() - started)
    print(json.dumps({"bench": "runtime_unary", "calls_per_s": round(rate)}))
    assert rate > 100


async def test_streamed_answers_per_second() -> None:
    async with (
        serve_for_test(ProbeService().register) as target,
        channel_for_test(target) as channel,
    ):
        answers = ProbeStub(channel).Watch(text("x"))
        started = time.perf_counter()
        count = 0
        async for _ in answers:
            count += 1
            if count == CALLS:
                break
        rate = CALLS / (time.perf_counter() - started)
        answers.cancel()
    print(json.dumps({"bench": "runtime_stream", "answers_per_s": round(rate)}))
    assert rate > 100


async def _call(stub: ProbeStub) -> None:
    await stub.Unary(text("x"))
