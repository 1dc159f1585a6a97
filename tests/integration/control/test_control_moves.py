"""What a gateway's loop told a device in place of its command: kept once, and in the record."""

from datetime import UTC, datetime, timedelta

from tests.fakes.control_process import ControlWorld
from tests.fakes.eventually import eventually
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.control.v1 import execution_pb2, execution_pb2_grpc, moves_pb2
from wattmesh.gateway.v1 import gateway_link_pb2
from wattmesh_contracts.values import timestamp_to_proto

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
OTHER = "sites/home-9/devices/battery"


def moves(*powers_w: float, second: int = 0) -> moves_pb2.SetpointMoves:
    return moves_pb2.SetpointMoves(
        start_time=timestamp_to_proto(T0 + timedelta(seconds=second)),
        offsets_ms=range(len(powers_w)),
        powers_w=powers_w,
    )


def told(
    command: pb.Command, moves: moves_pb2.SetpointMoves, before: int = 0, device: str = ""
) -> gateway_link_pb2.ConnectRequest:
    return gateway_link_pb2.ConnectRequest(
        loop_moves=gateway_link_pb2.LoopMoves(
            command=command.name,
            device=device or command.device,
            moves=moves,
            moves_before=before,
        )
    )


async def recorded(control: ControlWorld, powers_w: list[float]) -> None:
    """Wait until the record of the plan's only step has these moves."""
    stub = execution_pb2_grpc.ExecutionServiceStub(control.channel)

    async def has_them() -> bool:
        record = await stub.GetExecution(execution_pb2.GetExecutionRequest(plan="plans/p1"))
        (step,) = record.steps
        return list(step.moves.powers_w) == powers_w

    await eventually(has_them)


async def test_what_a_loop_told_in_place_of_a_command_is_in_its_record_once(
    control: ControlWorld,
) -> None:
    async with control.gateway() as gateway:
        await control.submit(T0, [1000.0])
        command = await control.command_in(pb.COMMAND_STATE_VERIFIED)
        for message in (
            told(command, moves(500.0, 700.0)),
            told(command, moves(-100.0, second=30), before=2),
            told(command, moves(-100.0, second=30), before=2),
        ):
            await gateway.call.write(message)
        await recorded(control, [500.0, 700.0, -100.0])


async def test_moves_that_make_no_sense_or_are_of_another_device_change_nothing(
    control: ControlWorld,
) -> None:
    async with control.gateway() as gateway:
        await control.submit(T0, [1000.0])
        command = await control.command_in(pb.COMMAND_STATE_VERIFIED)
        endless = moves(1.0)
        endless.offsets_ms[0] = 2**62
        for message in (
            told(command, endless),
            told(command, moves(float("nan"))),
            told(command, moves()),
            told(command, moves(*range(2000))),
            told(command, moves(1.0), before=-1),
            told(command, moves(1.0), device=OTHER),
            told(command, moves(500.0)),
        ):
            await gateway.call.write(message)
        await recorded(control, [500.0])
