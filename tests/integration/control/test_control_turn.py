"""A turn notes in its own transaction that its commands go out, where their gateway is here."""

from datetime import UTC, datetime

from tests.fakes.control_process import HOUR, ControlWorld
from wattmesh.control.v1 import control_pb2 as pb

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)

STEPS = """
SELECT transitions.state, transitions.xmin::text FROM control.transitions
JOIN control.commands ON commands.number = transitions.command
WHERE commands.value = 2000 AND transitions.state IN ('pending', 'dispatched')
ORDER BY transitions.state DESC
"""


async def test_a_command_of_a_turn_is_stored_and_noted_as_sent_at_once(
    control: ControlWorld,
) -> None:
    async with control.gateway() as gateway:
        await control.submit(T0, [1000.0, 2000.0])
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        watch = control.stub.WatchCommands(pb.WatchCommandsRequest(parent="sites/-/devices/-"))
        await watch.initial_metadata()
        control.clock.set(T0 + HOUR)
        verified = await control.command_in(pb.COMMAND_STATE_VERIFIED, 1)
        seen = [(await watch.read()).command for _ in range(5)]
        assert [each.value for each in gateway.dispatches] == [1000.0, 2000.0]
    assert verified.dispatch_count == 1
    pending, dispatched = await control.rows(STEPS)
    assert (pending[0], dispatched[0]) == ("pending", "dispatched")
    assert pending[1] == dispatched[1], "both in one transaction"
    states = [each.state for each in seen if each.name == verified.name]
    assert states[:2] == [pb.COMMAND_STATE_PENDING, pb.COMMAND_STATE_DISPATCHED]


async def test_a_command_whose_gateway_is_away_waits_to_be_sent(control: ControlWorld) -> None:
    await control.submit(T0, [1000.0, 2000.0])
    control.clock.set(T0 + HOUR)
    waiting = await control.command_in(pb.COMMAND_STATE_PENDING, 1)
    assert waiting.dispatch_count == 0
    async with control.gateway() as gateway:
        await gateway.dispatched(1)
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        assert [each.value for each in gateway.dispatches] == [2000.0]
