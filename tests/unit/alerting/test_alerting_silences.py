"""What a silence covers."""

from datetime import UTC, datetime, timedelta

import pytest

from wattmesh_alerting.domain.condition import Condition
from wattmesh_alerting.domain.rules import Rule
from wattmesh_alerting.domain.silence import Silence
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import GatewayId, SiteId

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def silence(subject: str = "", *rules: Rule, owner: str = "ada") -> Silence:
    return Silence(
        name="silences/1",
        owner=owner,
        reason="the roof is being mended",
        create_time=T0,
        expire_time=T0 + HOUR,
        subject=subject,
        rules=frozenset(rules),
    )


CONDITION = Condition(
    rule=Rule.DEVICE_OFFLINE,
    subject="sites/home-1/devices/battery",
    since=T0,
    site=SiteId("home-1"),
    gateway=GatewayId("local"),
)


@pytest.mark.parametrize(
    ("given", "covered"),
    [
        (silence("sites/home-1"), True),
        (silence("sites/home-1/devices/battery"), True),
        (silence("sites/home-1/devices/batt"), False),
        (silence("sites/home-10"), False),
        (silence("gateways/local"), True),
        (silence("gateways/other"), False),
        (silence("", Rule.DEVICE_OFFLINE), True),
        (silence("", Rule.PLAN_LATE), False),
        (silence("sites/home-1", Rule.PLAN_LATE), False),
    ],
)
def test_a_silence_covers_its_subject_with_what_belongs_to_it(
    given: Silence, covered: bool
) -> None:
    assert given.covers(CONDITION, T0) is covered


def test_it_covers_until_it_ends() -> None:
    given = silence("sites/home-1")
    assert given.covers(CONDITION, T0 + HOUR - timedelta(seconds=1))
    assert not given.covers(CONDITION, T0 + HOUR)


def test_silences_about_everything_or_by_nobody_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="INVALID_SILENCE"):
        silence()
    with pytest.raises(InvalidArgument, match="MISSING_FIELD"):
        silence("sites/home-1", owner="")
