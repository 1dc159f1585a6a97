"""Holds what the mesh stored, planned and says it did against what the homes wrote down themselves.

It reads tables and ledgers and asks no service: nobody audits himself. Each promise is one function
that returns how it was broken, in words; the README's list of what holds is `PROMISES`.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

QUANTITIES = {
    "import_energy_wh": "import_wh",
    "export_energy_wh": "export_wh",
    "active_power_w": "active_power_w",
}
"""What a meter's telegram holds, by the quantity of the point and the ledger's word."""
UNDER_WAY = timedelta(minutes=20)
"""Of the newest simulated time nothing is asked: it is on its way."""
SAME_W = 25.0
"""Within this an order in a battery's ledger is what a command says [W]."""
HOUR = timedelta(hours=1)


class Found(Protocol):
    """Rows that a query found."""

    def fetchall(self) -> list[dict[str, Any]]:
        """Return them, by the names of their columns."""
        ...


class Database(Protocol):
    """The mesh's database: a connection of psycopg, or what stands for one."""

    def execute(self, query: str, params: Sequence[Any] | None = None, /) -> Found:
        """Run a query; `%s` are its values, `%%` is a percent sign."""
        ...


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Where everything is written down, and until when it is judged."""

    database: Database
    ledger: Path
    begin: datetime
    end: datetime

    def lines(self, name: str) -> Iterator[dict[str, Any]]:
        """Return the records of a file of the homes' ledger."""
        file = self.ledger / name
        if file.exists():
            yield from map(json.loads, file.read_text().splitlines())

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Return rows of the mesh's database."""
        return self.database.execute(query, values).fetchall()


def every_reading_is_stored_as_it_was_measured(seen: Seen) -> Iterator[str]:
    """What a meter was told is taken is there, once, to the last digit; and nothing else is."""
    stored = {
        (row["name"], row["measure_time"]): row["value"]
        for row in seen.rows(
            "SELECT p.name, r.measure_time, r.value FROM metering.readings r"
            " JOIN metering.points p USING (point_key)"
            " WHERE p.name LIKE '%%/devices/meter/points/%%' AND r.measure_time > %s"
            " AND r.measure_time <= %s",
            seen.begin,
            seen.end,
        )
    }
    sent = dict[tuple[str, datetime], float]()
    for line in seen.lines("outbox.jsonl"):
        moment = datetime.fromisoformat(line["measure_time"])
        if line["device"].endswith("/devices/meter") and seen.begin < moment <= seen.end:
            for quantity, word in QUANTITIES.items():
                sent[f"{line['device']}/points/{quantity}", moment] = line[word]
    if not sent:
        yield "no meter has sent anything"
    for key, value in sent.items():
        if key not in stored:
            yield f"lost: {key[0]} of {key[1]:%d %H:%M}"
        elif abs(stored[key] - value) > 1e-6 * max(1.0, abs(value)):
            yield f"changed: {key[0]} of {key[1]:%d %H:%M}, {value} is {stored[key]}"
    yield from (
        f"invented: {name} of {time:%d %H:%M}" for name, time in stored.keys() - sent.keys()
    )


def what_is_called_verified_was_done(seen: Seen) -> Iterator[str]:
    """A battery's own ledger has the order that was read back of every command that is verified.

    That order is the command's value, or what the gateway's loop made of it by the newest word of
    the meter. Where a command has no value read back, the gateway had to do something else, and the
    command says what.
    """
    orders = dict[str, list[tuple[datetime, float | None]]]()
    for line in seen.lines("battery.jsonl"):
        moment = datetime.fromisoformat(line["time"])
        orders.setdefault(line["site"], []).append((moment, line["setpoint_w"]))
    verified = seen.rows(
        "SELECT command, site, read_back_value AS value, apply_time,"
        " coalesce(cut_time, end_time) AS until"
        " FROM control.commands WHERE kind = 'active_power_w' AND device LIKE '%%/devices/battery'"
        " AND read_back_value IS NOT NULL AND verify_time <= %s",
        seen.end,
    )
    for row in verified:
        during = _orders(orders.get(row["site"], []), row["apply_time"], row["until"])
        if not any(order is not None and abs(order - row["value"]) <= SAME_W for order in during):
            yield (
                f"{row['command']} of {row['site']} is said to have read {row['value']:.0f} W back "
                f"after {row['apply_time']:%d %H:%M:%S}, which the battery never heard"
            )
    if not verified:
        yield "no command was verified"


def _orders(
    orders: list[tuple[datetime, float | None]], begin: datetime, end: datetime
) -> Iterator[float | None]:
    """Return what held at the beginning, and every order until the end."""
    margin = timedelta(minutes=2)
    before: float | None = None
    for moment, order in orders:
        if moment < begin - margin:
            before = order
        elif moment <= end + margin:
            yield order
    yield before


def no_device_is_under_two_commands(seen: Seen) -> Iterator[str]:
    """At no moment did two applied commands hold for the same of a device."""
    for row in seen.rows(
        "SELECT a.command AS first, b.command AS second FROM control.commands a"
        " JOIN control.commands b ON a.device = b.device AND a.channel = b.channel"
        " AND a.number < b.number AND a.apply_time IS NOT NULL AND b.apply_time IS NOT NULL"
        " AND a.close_time IS NOT NULL AND b.apply_time > a.apply_time"
        " AND b.apply_time < least(a.end_time, a.cut_time, a.close_time)"
    ):
        yield f"{row['first']} still held when {row['second']} was applied"


def no_command_is_stranded(seen: Seen) -> Iterator[str]:
    """Every command whose time is over has come to an end, with its reason."""
    for row in seen.rows(
        "SELECT command, state FROM control.commands WHERE close_time IS NULL AND end_time < %s",
        seen.end - UNDER_WAY,
    ):
        yield f"{row['command']} is {row['state']} though its time is over"


def every_hour_has_a_plan(seen: Seen) -> Iterator[str]:
    """Each scope has a plan that control accepted for each hour."""
    planned = {
        (row["scope"], row["start_time"]): row["state"]
        for row in seen.rows(
            "SELECT scope, start_time, state FROM planner.plans WHERE state <> 'failed'"
        )
    }
    scopes = {scope for scope, _ in planned}
    if not scopes:
        yield "nothing was planned"
    hour = seen.begin + HOUR
    while hour <= seen.end - HOUR:
        for scope in scopes:
            if (scope, hour) not in planned:
                yield f"{scope} has no plan for {hour:%d %H:%M}"
        hour += HOUR


PROMISES: Mapping[str, Callable[[Seen], Iterator[str]]] = {
    "every reading is stored as it was measured": every_reading_is_stored_as_it_was_measured,
    "what is called verified was done": what_is_called_verified_was_done,
    "no device is under two commands": no_device_is_under_two_commands,
    "no command is stranded": no_command_is_stranded,
    "every hour has a plan": every_hour_has_a_plan,
}


def audit(seen: Seen) -> dict[str, list[str]]:
    """Return how each promise was broken; empty: it was kept."""
    return {promise: list(broken(seen)) for promise, broken in PROMISES.items()}
