"""What the messages of charge points mean, without a network."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wattmesh_gateway.adapters.session_outbox import SqliteSessionOutbox
from wattmesh_gateway.adapters.spool_database import SpoolDatabase
from wattmesh_gateway.domain.session import ChargingSession, SessionState
from wattmesh_gateway.drivers.ocpp.heard import Begun, Ended, Heard, Measured, Nonsense
from wattmesh_gateway.drivers.ocpp.samples import Sample, measured_at, moment_of
from wattmesh_gateway.drivers.ocpp.stay import Occupancy, advance
from wattmesh_kernel.ids import DeviceId

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CHARGER = DeviceId.parse("sites/home-1/devices/charger")


def values(*samples: Sample) -> dict[str, float]:
    return dict(measured_at(NOON, samples)[0].values)


def test_phases_are_added_for_power_and_the_largest_counts_for_current() -> None:
    powers = [
        Sample(value=1.0, measurand="Power.Active.Import", phase=f"L{number}", unit="kW")
        for number in (1, 2, 3)
    ]
    currents = [
        Sample(value=current, measurand="Current.Import", phase=phase)
        for phase, current in (("L1", 10.0), ("L2", 11.0), ("L3", 9.0), ("N", 30.0))
    ]
    by_phase = {f"active_power_l{number}_w": 1000.0 for number in (1, 2, 3)}
    assert values(*powers, *currents) == {
        "active_power_w": 3000.0,
        "current_a": 11.0,
        **by_phase,
    }


def test_a_value_over_all_phases_goes_before_those_of_single_ones() -> None:
    whole = Sample(value=5.0, measurand="Power.Active.Import")
    part = Sample(value=9.0, measurand="Power.Active.Import", phase="L1")
    assert values(part, whole) == {"active_power_w": 5.0, "active_power_l1_w": 9.0}


def test_power_out_of_the_vehicle_is_negative() -> None:
    assert values(Sample(value=7.0, measurand="Power.Active.Export")) == {"active_power_w": -7.0}


def test_a_value_that_cannot_be_is_left_out_and_said() -> None:
    measured, problems = measured_at(NOON, [Sample(value=140.0, measurand="SoC")])
    assert (measured.values, problems) == ({}, ["SoC is 1.4, which is not possible"])


@pytest.mark.parametrize("text", ["", "yesterday", 7, "2026-06-09T12:00:00Z"])
def test_a_time_that_is_none_or_yet_to_come_is_refused(text: object) -> None:
    with pytest.raises(Nonsense):
        moment_of(text, NOON)


def begun(moment: datetime, register: float) -> Heard:
    return Heard(
        time=moment,
        measured=[Measured(time=moment, values={"import_energy_wh": register})],
        plugged_in=True,
        transaction=Begun(key="1"),
    )


def test_the_same_message_again_changes_nothing() -> None:
    first = advance(Occupancy(), begun(NOON, 100.0)).now
    assert advance(first, begun(NOON, 100.0)).now == first


def test_a_late_message_adds_energy_and_takes_no_state_back() -> None:
    now = advance(Occupancy(), begun(NOON, 100.0)).now
    suspended = Heard(
        time=NOON + 9 * MINUTE, plugged_in=True, state=SessionState.SUSPENDED_BY_VEHICLE
    )
    now = advance(now, suspended).now
    moment = NOON + 5 * MINUTE
    late = Heard(
        time=moment,
        measured=[Measured(time=moment, values={"import_energy_wh": 160.0})],
        state=SessionState.CHARGING,
    )
    stay = advance(now, late).now.stay
    assert stay is not None
    assert (stay.charged_energy_wh, stay.state) == (60.0, SessionState.SUSPENDED_BY_VEHICLE)


def test_a_transaction_from_before_the_connector_was_free_is_no_vehicle_that_is_there() -> None:
    free = advance(Occupancy(), Heard(time=NOON + 60 * MINUTE, plugged_in=False)).now
    past = advance(free, begun(NOON, 100.0)).now
    step = advance(past, Heard(time=NOON + 30 * MINUTE, transaction=Ended(number=1)))
    assert (step.now.plugged_in_ratio, step.ended is not None) == (0.0, True)


def test_the_end_of_a_transaction_nobody_knows_begins_no_stay() -> None:
    step = advance(Occupancy(), Heard(time=NOON, plugged_in=False, transaction=Ended(number=7)))
    assert (step.now.stay, step.ended) == (None, None)


async def test_of_a_session_the_newest_is_kept_until_it_was_handed_on(tmp_path: Path) -> None:
    def session(minutes: int, energy_wh: float) -> ChargingSession:
        return ChargingSession(
            device=CHARGER,
            state=SessionState.CHARGING,
            arrival_time=NOON,
            measure_time=NOON + minutes * MINUTE,
            charged_energy_wh=energy_wh,
        )

    async with SpoolDatabase(tmp_path / "spool.sqlite") as database:
        outbox = SqliteSessionOutbox(database)
        await outbox.keep([session(5, 50.0)])
        await outbox.keep([session(3, 30.0)])
        assert await outbox.unsent(10) == [session(5, 50.0)]
        await outbox.keep([session(6, 60.0)])
        await outbox.mark_sent(session(5, 50.0))
        assert await outbox.unsent(10) == [session(6, 60.0)]
        await outbox.mark_sent(session(6, 60.0))
        await outbox.keep([session(6, 60.0)])
        assert await outbox.unsent(10) == []
