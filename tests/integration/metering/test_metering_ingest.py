"""Ingestion through a real server into a real database."""

import asyncio
import math
from datetime import timedelta

import grpc
import psycopg
import pytest

from tests.fakes.eventually import eventually
from tests.fakes.held_table import held_table
from tests.fakes.metering_world import (
    HOUR,
    NOON,
    QUARTER,
    MeteringWorld,
    batch,
    metering_world,
    point,
    requests,
    samples,
)
from wattmesh.metering.v1 import metering_pb2
from wattmesh.type.v1 import quality_pb2
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.time import TimeRange
from wattmesh_metering.adapters import postgres_ingest

IMPORT = point("meter", "import_energy_wh")
POWER = point("meter", "active_power_w")
SOC = point("battery", "soc_ratio")


async def _statistics(
    world: MeteringWorld, source: str = "", span: TimeRange | None = None
) -> metering_pb2.GetIngestStatisticsResponse:
    return await world.metering.GetIngestStatistics(
        metering_pb2.GetIngestStatisticsRequest(
            source=source, range=time_range_to_proto(span) if span else None
        )
    )


async def test_every_batch_is_answered_in_order_with_a_cumulative_ack(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        answers = await world.send(
            *(batch(n, samples(POWER, NOON - n * HOUR, QUARTER, [1, 2, 3])) for n in (1, 2, 5))
        )
    assert [answer.acked_sequence for answer in answers] == [1, 2, 5]
    assert [answer.stored for answer in answers] == [3, 3, 3]


async def test_a_resend_changes_nothing_and_another_value_takes_the_place_of_the_first(
    database_url: str,
) -> None:
    rows = samples(POWER, NOON - HOUR, QUARTER, [10, 20, 30])
    async with metering_world(database_url) as world:
        await world.add_home()
        await world.send(batch(1, rows))
        (answer,) = await world.send(batch(1, [*rows, (POWER, NOON, 40.0)]))
        assert (answer.stored, answer.duplicates, answer.revised) == (1, 3, 0)
        revised = [(POWER, NOON - HOUR, 11.0), (POWER, NOON - HOUR + QUARTER, 20.0)]
        (answer,) = await world.send(batch(2, revised, qualities=[quality_pb2.QUALITY_MEASURED, 3]))
        assert (answer.stored, answer.duplicates, answer.revised) == (0, 0, 2)
        # what was told before and comes again, however late, takes nothing back
        (answer,) = await world.send(batch(1, rows))
        assert (answer.stored, answer.duplicates, answer.revised) == (0, 3, 0)
        counts = await _statistics(world, "gateways/local")
        assert (counts.stored, counts.duplicates, counts.revised) == (4, 6, 2)
    with psycopg.connect(database_url) as connection:
        kept = connection.execute(
            "SELECT value, quality FROM metering.readings ORDER BY measure_time"
        ).fetchall()
        past = connection.execute(
            "SELECT value, quality, received < until FROM metering.superseded_readings ORDER BY 1"
        ).fetchall()
    assert kept == [(11, 1), (20, 3), (30, 1), (40, 1)]
    assert [row[:2] for row in past] == [(10, 1), (20, 1)]


async def test_one_reading_told_twice_in_a_batch_is_stored_once_and_revised(
    database_url: str,
) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        rows = [(POWER, NOON, 1.0), (POWER, NOON, 2.0), (SOC, NOON, 0.5), (SOC, NOON, 0.5)]
        (answer,) = await world.send(batch(1, rows))
        latest = await world.metering.GetLatestReadings(
            metering_pb2.GetLatestReadingsRequest(points=[POWER])
        )
    assert (answer.stored, answer.duplicates, answer.revised) == (2, 1, 1)
    assert latest.readings[0].value == 2


async def test_each_bad_reading_is_refused_for_its_reason_and_the_good_ones_stay(
    database_url: str,
) -> None:
    rows = [
        (POWER, NOON, 1.0),
        ("sites/home-1/devices/meter/points/voltage_v", NOON, 230.0),
        ("no name at all", NOON, 1.0),
        (POWER, NOON - QUARTER, math.nan),
        (SOC, NOON, 1.5),
        (IMPORT, NOON, -1.0),
        (POWER, NOON + HOUR, 1.0),
        (POWER, NOON - timedelta(days=365 * 60), 1.0),
        (IMPORT, NOON - HOUR, 100.0),
    ]
    expected = [
        (1, metering_pb2.REJECTION_REASON_UNKNOWN_POINT),
        (2, metering_pb2.REJECTION_REASON_UNKNOWN_POINT),
        (3, metering_pb2.REJECTION_REASON_INVALID_VALUE),
        (4, metering_pb2.REJECTION_REASON_INVALID_VALUE),
        (5, metering_pb2.REJECTION_REASON_INVALID_VALUE),
        (6, metering_pb2.REJECTION_REASON_INVALID_TIME),
        (7, metering_pb2.REJECTION_REASON_INVALID_TIME),
    ]
    async with metering_world(database_url) as world:
        await world.add_home()
        for _ in range(2):
            (answer,) = await world.send(batch(7, rows))
            assert [(one.row, one.reason) for one in answer.rejected] == expected
            assert {one.sequence for one in answer.rejected} == {7}
            assert answer.rejected[1].point == "no name at all"
        counts = await _statistics(world)
        assert (counts.stored, counts.duplicates, counts.rejected) == (2, 2, len(expected))
    with psycopg.connect(database_url) as connection:
        kept = connection.execute("SELECT row_index, reason FROM metering.rejected_readings")
        assert len(kept.fetchall()) == len(expected)


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        ({"values": [1.0]}, [0, 1]),
        ({"measure_times_us": []}, [0, 1]),
        ({"qualities": [quality_pb2.QUALITY_MEASURED]}, [0, 1]),
        ({"point_indices": [0, 5]}, [1]),
        ({"point_indices": [-1, 0]}, [0]),
        ({"points": []}, [0, 1]),
        ({"points": [""]}, [0, 1]),
        ({"qualities": [1, quality_pb2.QUALITY_UNSPECIFIED]}, [1]),
        ({"qualities": [77, 2]}, [0]),
    ],
)
async def test_columns_that_do_not_fit_are_refused_row_by_row(
    database_url: str, columns: dict[str, object], rows: list[int]
) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        broken = batch(1, samples(POWER, NOON - HOUR, QUARTER, [1, 2]), **columns)
        sound = batch(2, [(POWER, NOON, 3.0)])
        first, second = await world.send(broken, sound)
    assert [one.row for one in first.rejected] == rows
    assert {one.reason for one in first.rejected} == {metering_pb2.REJECTION_REASON_MALFORMED}
    assert first.stored == 2 - len(rows)
    assert (second.acked_sequence, second.stored) == (2, 1)


async def test_two_sources_at_once_are_counted_apart(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home("sites/home-1")
        await world.add_home("sites/home-2")

        async def send(number: int) -> None:
            name = point("meter", "import_energy_wh", f"sites/home-{number}")
            batches = [
                batch(n, samples(name, NOON - (40 - n) * HOUR, QUARTER, [n, n, n + 0.5, n + 0.5]))
                for n in range(1, 31)
            ]
            answers = await world.send(*batches, source=f"gateways/g{number}")
            assert [answer.acked_sequence for answer in answers] == list(range(1, 31))

        await asyncio.gather(send(1), send(2), send(2))
        first, second = (
            await _statistics(world, "gateways/g1"),
            await _statistics(world, "gateways/g2"),
        )
        both = await _statistics(world)
    assert (first.stored, first.duplicates) == (120, 0)
    assert (second.stored, second.duplicates) == (120, 120)
    assert (both.stored, both.duplicates, both.rejected) == (240, 120, 0)
    assert [device.device for device in first.devices] == ["sites/home-1/devices/meter"]


async def test_statistics_count_a_range_and_a_devices_telegrams(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        rows = samples(IMPORT, NOON - HOUR, QUARTER, [1, 2, 3, 4, 5])
        rows += samples(POWER, NOON - HOUR, QUARTER, [1, 2, 3, 4, 5])
        await world.send(batch(1, [*rows, (SOC, NOON, 0.5)]))
        counts = await _statistics(world, span=TimeRange(NOON - HOUR, NOON))
        assert [(one.device, one.stored, one.measure_times) for one in counts.devices] == [
            ("sites/home-1/devices/meter", 8, 4)
        ]
        assert counts.stored == 8
        assert (await _statistics(world, "nobody")).stored == 0


async def test_ten_thousand_long_names_that_nobody_knows_leave_room_for_the_ack(
    database_url: str,
) -> None:
    name = "x" * 1_000
    rows = samples(name, NOON - 10_000 * timedelta(seconds=1), timedelta(seconds=1), [1.0] * 10_000)
    async with metering_world(database_url) as world:
        await world.add_home()
        (answer,) = await world.send(batch(1, rows))
        (again,) = await world.send(batch(1, rows))
    assert (answer.acked_sequence, answer.rejected_total) == (1, 10_000)
    assert again.acked_sequence == 1
    assert answer.ByteSize() < 4 * 2**20
    assert answer.rejected[0].point == name[:255]


async def test_what_is_refused_is_counted_but_kept_up_to_a_bound(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_ingest, "MOST_REJECTED", 50)
    async with metering_world(database_url) as world:
        await world.add_home()
        for sequence in range(1, 8):
            world.clock.advance(timedelta(seconds=1))
            rows = [(f"nobody/{sequence}/{n}", NOON, 1.0) for n in range(30)]
            await world.send(batch(sequence, rows))
        counts = await _statistics(world)
    assert counts.rejected == 210
    with psycopg.connect(database_url) as connection:
        (kept,) = connection.execute(
            "SELECT count(*) FROM metering.rejected_readings"
        ).fetchone() or (0,)
    assert 50 <= kept <= 80


async def test_a_source_beyond_the_first_32767_is_as_good_as_any(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(
                "ALTER TABLE metering.sources ALTER COLUMN source_key RESTART WITH 40000"
            )
        (answer,) = await world.send(batch(1, [(POWER, NOON, 1.0)]), source="gateways/late")
        counts = await _statistics(world, "gateways/late")
        of_span = await _statistics(world, "gateways/late", TimeRange(NOON - HOUR, NOON + HOUR))
    assert (answer.stored, counts.stored, of_span.stored) == (1, 1, 1)


async def test_statistics_are_told_though_nobody_may_read_the_readings(database_url: str) -> None:
    async with metering_world(database_url, database_lock_seconds=1) as world:
        await world.add_home()
        await world.send(batch(1, samples(POWER, NOON - HOUR, QUARTER, [1, 2, 3])))
        async with held_table(database_url, "metering", "readings"):  # counters answer, no scan
            counts = await _statistics(world)
    assert [(one.stored, one.measure_times) for one in counts.devices] == [(3, 3)]


async def test_nothing_is_acked_before_its_commit(database_url: str) -> None:
    rows = samples(POWER, NOON - HOUR, QUARTER, [1, 2, 3])
    async with metering_world(database_url) as world:
        await world.add_home()
        async with held_table(database_url, "metering", "readings"):
            stream = world.metering.Ingest(requests([batch(1, rows)], "gateways/local"))
            answer = asyncio.ensure_future(stream.read())
            await eventually(lambda: _lock_awaited(database_url))
            assert not answer.done()
        assert _acked(await answer) == 1
        with psycopg.connect(database_url) as other:
            (stored,) = other.execute("SELECT count(*) FROM metering.readings").fetchone() or (0,)
        assert stored == 3


async def test_a_connection_killed_amid_a_batch_ends_the_stream_and_loses_nothing(
    database_url: str,
) -> None:
    rows = samples(POWER, NOON - HOUR, QUARTER, [1, 2, 3])
    async with metering_world(database_url) as world:
        await world.add_home()
        async with held_table(database_url, "metering", "readings"):
            stream = world.metering.Ingest(
                requests([batch(1, rows), batch(2, [(POWER, NOON, 4.0)])], "g")
            )
            answer = asyncio.ensure_future(stream.read())
            await eventually(lambda: _lock_awaited(database_url))
            _kill_backends(database_url, "wait_event_type = 'Lock'")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await answer
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert (await _statistics(world)).stored == 0
        answers = await world.send(batch(1, rows), batch(2, [(POWER, NOON, 4.0)]), source="g")
        assert [answer.acked_sequence for answer in answers] == [1, 2]
        counts = await _statistics(world, "g")
        assert (counts.stored, counts.duplicates) == (4, 0)


async def test_metering_goes_on_after_every_connection_was_lost(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        _kill_backends(database_url, "true")
        (answer,) = await world.send(batch(1, [(POWER, NOON, 1.0)]))
        assert answer.stored == 1


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([], "HELLO_EXPECTED"),
        ([metering_pb2.IngestRequest(batch=batch(1, [(POWER, NOON, 1.0)]))], "HELLO_EXPECTED"),
        ([metering_pb2.IngestRequest(hello=metering_pb2.IngestHello())], "INVALID_SOURCE"),
        (
            [metering_pb2.IngestRequest(hello=metering_pb2.IngestHello(source="a\nb"))],
            "INVALID_SOURCE",
        ),
        (
            [metering_pb2.IngestRequest(hello=metering_pb2.IngestHello(source="g"))] * 2,
            "MISSING_FIELD",
        ),
    ],
)
async def test_a_stream_that_breaks_the_protocol_is_told_why(
    database_url: str, messages: list[metering_pb2.IngestRequest], reason: str
) -> None:
    async with metering_world(database_url) as world:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            _ = [answer async for answer in world.metering.Ingest(iter(messages))]
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason in str(caught.value.trailing_metadata())


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (metering_pb2.ReadingBatch(sequence=0), "INVALID_SEQUENCE"),
        (metering_pb2.ReadingBatch(sequence=9, values=[0.0] * 10_001), "BATCH_TOO_LARGE"),
    ],
)
async def test_batches_before_a_broken_one_are_still_answered(
    database_url: str, broken: metering_pb2.ReadingBatch, reason: str
) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        stream = world.metering.Ingest(requests([batch(1, [(POWER, NOON, 1.0)]), broken], "g"))
        assert _acked(await stream.read()) == 1
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stream.read()
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason in str(caught.value.trailing_metadata())


async def test_a_caller_that_hangs_up_leaves_the_service_sound(database_url: str) -> None:
    async with metering_world(database_url, ingest_batches_in_flight=1) as world:
        await world.add_home()
        many = [batch(n, [(POWER, NOON - n * QUARTER, 1.0)]) for n in range(1, 200)]
        stream = world.metering.Ingest(requests(many, "g"))
        await stream.read()
        stream.cancel()
        answers = await world.send(*many, source="g")
        assert answers[-1].acked_sequence == 199
        assert (await _statistics(world)).stored == 199


def _acked(answer: object) -> int:
    assert isinstance(answer, metering_pb2.IngestResponse), "the stream has ended"
    return answer.acked_sequence


def _lock_awaited(database_url: str) -> bool:
    with psycopg.connect(database_url) as connection:
        waiting = connection.execute(
            "SELECT FROM pg_stat_activity WHERE application_name = 'wattmesh-metering'"
            " AND datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
    return waiting is not None


def _kill_backends(database_url: str, which: str) -> None:
    with psycopg.connect(database_url) as connection:
        killed = connection.execute(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
            " WHERE application_name = 'wattmesh-metering' AND datname = current_database()"
            f" AND {which}".encode()
        ).fetchone()
        assert killed
        assert killed[0] > 0
