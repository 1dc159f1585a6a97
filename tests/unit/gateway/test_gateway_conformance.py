"""What the conformance kit makes of what was seen of a device, without one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wattmesh_gateway.conformance.checks import judge
from wattmesh_gateway.conformance.outcome import Verdict, worst
from wattmesh_gateway.conformance.report import as_text
from wattmesh_gateway.conformance.trace import TRACES, Seen, Told, Trace

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def seen(quantity: str, value: Callable[[int], float], minutes: int = 30) -> list[Seen]:
    return [
        Seen(time=NOON + minute * MINUTE, quantity=quantity, value=value(minute))
        for minute in range(minutes)
    ]


def battery(**changes: object) -> Trace:
    """A sound battery that charges at about 3 kW for half an hour and obeyed a setpoint."""
    told = Told(
        kind="active_power_w",
        asked=3000.0,
        time=NOON,
        lease=10 * MINUTE,
        ends_by_itself=True,
        written=3000.0,
        after_lease="it is off",
        released=True,
    )
    trace = Trace(
        profile="mine",
        title="A battery",
        tested="untested on hardware",
        protocol="modbus_tcp",
        where="here",
        begin=NOON,
        quantities=["active_power_w", "export_energy_wh", "import_energy_wh", "soc_ratio"],
        interval=MINUTE,
        answered=True,
        seen=[
            *seen("active_power_w", lambda minute: 3000.0 + minute),
            *seen("import_energy_wh", lambda minute: 1000.0 + 50 * minute),
            *seen("export_energy_wh", lambda minute: 700.0),
            *seen("soc_ratio", lambda minute: 0.5),
        ],
        told=[told],
        back_after=timedelta(seconds=0.2),
    )
    return replace(trace, **changes)  # type: ignore[arg-type]


def with_values(quantity: str, value: Callable[[int], float]) -> Trace:
    others = [each for each in battery().seen if each.quantity != quantity]
    return battery(seen=[*others, *seen(quantity, value)])


def stale() -> Trace:
    """Return a trace in which the device says something new every ten minutes."""
    return battery(
        seen=[
            *seen("active_power_w", lambda minute: 3000.0 + minute // 10),
            *seen("import_energy_wh", lambda minute: 1000.0 + 500 * (minute // 10)),
            *seen("export_energy_wh", lambda minute: 700.0),
            *seen("soc_ratio", lambda minute: 0.5),
        ]
    )


def verdicts(trace: Trace) -> dict[str, Verdict]:
    return {each.check: each.verdict for each in judge(trace)}


def test_a_sound_device_passes_every_check() -> None:
    assert set(verdicts(battery()).values()) == {Verdict.PASSED}


@pytest.mark.parametrize(
    ("check", "trace"),
    [
        ("identification", battery(answered=False, error="no connection")),
        ("identification", battery(seen=seen("active_power_w", lambda minute: minute))),
        ("units", with_values("soc_ratio", lambda minute: 50.0)),
        ("sign", with_values("active_power_w", lambda minute: -3000.0 - minute)),
        ("sign", with_values("import_energy_wh", lambda minute: 1000.0 - minute)),
        ("scale", with_values("import_energy_wh", lambda minute: 1000.0 + 0.05 * minute)),
        ("scale", with_values("active_power_w", lambda minute: 30_000.0 + minute)),
        ("refresh rate", stale()),
        ("disconnect", battery(back_after=None)),
    ],
)
def test_what_is_wrong_with_a_device_fails_its_check(check: str, trace: Trace) -> None:
    assert verdicts(trace)[check] is Verdict.FAILED
    assert worst(judge(trace)) is Verdict.FAILED


@pytest.mark.parametrize(
    ("check", "changes"),
    [
        ("write and read-back", {"mismatch": "it is 0, not 3000"}),
        ("write and read-back", {"error": "refused"}),
        ("effect", {"asked": -3000.0}),
        ("lease expiry", {"after_lease": ""}),
        ("release", {"released": False}),
    ],
)
def test_a_setpoint_that_goes_wrong_fails_its_check(check: str, changes: dict[str, object]) -> None:
    (told,) = battery().told
    trace = battery(told=[replace(told, **changes)])  # type: ignore[arg-type]
    assert verdicts(trace)[check] is Verdict.FAILED


def test_a_device_that_stands_still_is_not_judged_by_what_did_not_happen() -> None:
    still = battery(
        told=[],
        seen=[
            *seen("active_power_w", lambda minute: 0.0),
            *seen("import_energy_wh", lambda minute: 1000.0),
            *seen("export_energy_wh", lambda minute: 700.0),
            *seen("soc_ratio", lambda minute: 0.5),
        ],
    )
    found = verdicts(still)
    assert {found[check] for check in ("sign", "scale", "refresh rate")} == {Verdict.UNDECIDED}
    assert found["effect"] is Verdict.SKIPPED
    assert worst(judge(still)) is Verdict.PASSED


def test_what_a_device_that_speaks_by_itself_has_not_said_is_no_failure() -> None:
    trace = battery(seen=seen("active_power_w", lambda minute: minute), speaks=True)
    assert verdicts(trace)["identification"] is Verdict.PASSED


def test_energy_from_before_the_power_was_known_is_not_compared_with_it() -> None:
    before = Seen(time=NOON - 60 * MINUTE, quantity="import_energy_wh", value=0.0)
    trace = battery(seen=[before, *battery().seen])
    assert verdicts(trace)["scale"] is Verdict.PASSED


def test_a_trace_survives_its_file_and_says_what_it_said() -> None:
    trace = battery()
    again = TRACES.from_json(TRACES.to_json(trace))
    assert as_text(again, judge(again)) == as_text(trace, judge(trace))
