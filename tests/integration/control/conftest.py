"""A running control with one home, at ten o'clock."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from tests.fakes.control_metering import ControlMetering, homes
from tests.fakes.control_process import ControlWorld, running_control
from tests.fakes.manual_clock import ManualClock

TEN = datetime(2024, 5, 1, 10, tzinfo=UTC)


@pytest.fixture
def control_clock() -> ManualClock:
    return ManualClock(TEN)


@pytest.fixture
def control_metering() -> ControlMetering:
    return homes(1)


@pytest.fixture
async def control(
    database_url: str, control_clock: ManualClock, control_metering: ControlMetering
) -> AsyncIterator[ControlWorld]:
    async with running_control(database_url, control_clock, control_metering) as world:
        yield world
