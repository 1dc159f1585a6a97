"""What becomes an alert, and when it is over."""

from datetime import UTC, datetime, timedelta

from wattmesh_alerting.domain.alert import Alert
from wattmesh_alerting.domain.board import AlertBoard
from wattmesh_alerting.domain.condition import Cleared, Condition, survey
from wattmesh_alerting.domain.rules import RULES, Rule
from wattmesh_kernel.ids import GatewayId, SiteId

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BATTERY = "sites/home-1/devices/battery"
OFFLINE = RULES[Rule.DEVICE_OFFLINE]


def board() -> AlertBoard:
    return AlertBoard(lambda condition, now: f"alerts/{condition.rule.value}-{now.timestamp():.0f}")


def offline(minute: float, subject: str = BATTERY, rule: Rule = Rule.DEVICE_OFFLINE) -> Condition:
    return Condition(
        rule=rule,
        subject=subject,
        since=T0 + minute * MINUTE,
        site=SiteId("home-1"),
        gateway=GatewayId("local"),
    )


def online(minute: float) -> Cleared:
    return Cleared(rule=Rule.DEVICE_OFFLINE, subject=BATTERY, since=T0 + minute * MINUTE)


def at(minute: float, on: AlertBoard) -> list[Alert]:
    return on.advance(T0 + minute * MINUTE)


def test_what_lasts_becomes_an_alert_once_and_is_over_once_it_is_gone_for_long_enough() -> None:
    on = board()
    on.take(offline(0))
    assert at(4.9, on) == []
    (raised,) = at(5, on)
    assert raised.fires
    assert raised.start_time == T0
    assert raised.summary == f"{BATTERY}: a device does not answer"
    assert at(6, on) == []
    on.take(online(20))
    (gone,) = at(29.9, on)
    assert gone.fires
    (over,) = at(30, on)
    assert (over.name, over.fires) == (raised.name, False)
    assert at(60, on) == []


def test_what_passes_by_is_nothing() -> None:
    on = board()
    on.take(offline(0))
    on.take(online(3))
    assert at(10, on) == []
    on.take(offline(20))
    assert at(24, on) == [], "the first time does not count"


def test_a_device_that_flaps_is_one_alert() -> None:
    on = board()
    on.take(offline(0))
    names = {each.name for each in at(5, on)}
    for minute in range(6, 60, 2):
        on.take(online(minute))
        names |= {each.name for each in at(minute, on)}
        on.take(offline(minute + 1))
        names |= {each.name for each in at(minute + 1, on)}
    assert len(names) == 1
    (firing,) = on.firing
    assert firing.occurrences == 28


def test_devices_of_a_lost_gateway_are_no_news() -> None:
    on = board()
    devices = [f"sites/home-{n}/devices/battery" for n in range(10_000)]
    on.take(offline(0, "gateways/local", Rule.GATEWAY_LOST))
    on.take(
        survey(
            [Rule.DEVICE_SILENT],
            [offline(0, each, Rule.DEVICE_SILENT) for each in devices],
            T0,
        )
    )
    raised = [each for minute in range(0, 60, 5) for each in at(minute, on)]
    assert [each.condition.subject for each in raised] == ["gateways/local"]
    on.take(survey([Rule.GATEWAY_LOST], [], T0 + 60 * MINUTE))
    still = [offline(0, each, Rule.DEVICE_SILENT) for each in devices[:1]]
    on.take(survey([Rule.DEVICE_SILENT], still, T0 + 61 * MINUTE))
    raised = [each for minute in range(60, 90, 5) for each in at(minute, on) if each.fires]
    assert {each.condition.subject for each in raised if each.gone_time is None} == {devices[0]}


def test_whoever_goes_on_with_alerts_neither_raises_them_again_nor_forgets_their_end() -> None:
    first, second = board(), board()
    first.take(offline(0))
    (raised,) = at(5, first)
    second.recall([raised])
    second.take(survey([Rule.DEVICE_OFFLINE], [offline(0)], T0 + 6 * MINUTE))
    assert at(7, second) == []
    second.take(survey([Rule.DEVICE_OFFLINE], [], T0 + 8 * MINUTE))
    assert [each.fires for each in (*at(9, second), *at(18, second))] == [True, False]


def test_every_rule_says_what_to_do() -> None:
    assert set(RULES) == set(Rule)
    assert all(each.title and each.advice.endswith(".") for each in RULES.values())
