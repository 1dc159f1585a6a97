"""What is at stake is found out after an alert was told, for each by itself."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

from tests.fakes.eventually import eventually
from wattmesh_alerting.app.appraise import Appraise
from wattmesh_alerting.domain.appraisal import Appraisal
from wattmesh_alerting.domain.board import AlertBoard
from wattmesh_alerting.domain.condition import Appraised, Condition, News
from wattmesh_alerting.domain.rules import Rule
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.money import Money
from wattmesh_runtime.aio.tasks import BackgroundTasks

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
FOUND = Appraisal(amount=Money(Decimal("0.52"), "EUR"), words="by the plan", plan="plans/p")


class Appraiser:
    """Fails as it is told, and counts who asked."""

    def __init__(self, **failures: list[Exception]) -> None:
        self.failures = failures
        self.asked: list[str] = []

    async def __call__(self, condition: Condition) -> Appraisal | None:
        self.asked.append(condition.subject)
        waiting = self.failures.get(condition.subject.rsplit("/", maxsplit=1)[-1], [])
        if waiting:
            raise waiting.pop(0)
        return FOUND


def board(*names: str, rule: Rule = Rule.COMMAND_WITHOUT_EFFECT) -> AlertBoard:
    on = AlertBoard(lambda condition, now: f"alerts/{condition.subject}")
    for name in names:
        on.take(Condition(rule=rule, subject=f"sites/home-1/devices/{name}", since=T0))
    return on


async def test_a_plan_nobody_understands_costs_its_own_alert_its_figure_and_no_other() -> None:
    on, news = board("broken", "away", "battery"), asyncio.Queue[News]()
    appraiser = Appraiser(broken=[ValueError("no such shape")], away=[Unavailable("X", "away")])
    appraise = Appraise(appraiser, news)
    raised = on.advance(T0)
    async with BackgroundTasks() as background:
        background.start(appraise.run())
        appraise.want(raised)
        appraise.want(raised)
        await eventually(lambda: news.qsize() == 2)
    while not news.empty():
        on.take(news.get_nowait())
    told = {each.condition.subject[-6:]: each for each in on.advance(T0)}
    assert {name: each.at_stake for name, each in told.items()} == {
        "s/away": FOUND.amount,
        "attery": FOUND.amount,
    }
    assert told["attery"].description == "by the plan"
    assert told["attery"].links == ("sites/home-1/devices/battery", "plans/p")
    subjects = [each.rsplit("/", maxsplit=1)[-1] for each in appraiser.asked]
    assert subjects == ["broken", "away", "away", "battery"], "each once, and again who was away"


async def test_what_no_plan_can_tell_is_not_asked_for() -> None:
    appraiser = Appraiser()
    appraise = Appraise(appraiser, asyncio.Queue())
    async with BackgroundTasks() as background:
        background.start(appraise.run())
        appraise.want(board("meter", rule=Rule.CERTIFICATE_ENDING).advance(T0))
        await asyncio.sleep(0.05)
    assert appraiser.asked == []


def test_what_was_found_out_stays_with_the_alert_it_was_asked_for() -> None:
    on = board("battery")
    (alert,) = on.advance(T0)
    key = alert.condition.key
    on.take(Appraised(key=key, alert="alerts/another", appraisal=FOUND))
    assert on.advance(T0) == []
    on.take(Appraised(key=key, alert=alert.name, appraisal=FOUND))
    on.take(Condition(rule=key[0], subject=key[1], since=T0, description="still"))
    (told,) = on.advance(T0)
    assert told.at_stake == FOUND.amount
    assert told.description == "still; by the plan"
