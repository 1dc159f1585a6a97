"""The checks: each a judgement of what was seen, without the device."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from wattmesh_gateway.conformance.outcome import Outcome, Verdict
from wattmesh_gateway.conformance.trace import Seen, Told, Trace
from wattmesh_kernel.quantities import QUANTITIES, Kind

_POWER, _IMPORT, _EXPORT = "active_power_w", "import_energy_wh", "export_energy_wh"

_USUAL = {
    "voltage_v": (80.0, 520.0),
    "frequency_hz": (45.0, 65.0),
    "temperature_celsius": (-50.0, 150.0),
}
"""Between which values a device's number is taken for right in its unit."""

_MAY_LACK = frozenset({"reactive_power_var"})
"""What profiles of a standard name and makers may leave out: the device says that it has none."""

_LEAST_ENERGY_WH = 20.0
"""What has to flow until registers and power can be compared: most count in steps of 1 to 10 Wh."""

_FACTOR = 2.0
"""By how much energy and power may differ: a scale that is wrong is so by ten or more."""

_EFFECT_RATIO = 0.2
_LEAST_EFFECT_W = 200.0


def judge(trace: Trace) -> Sequence[Outcome]:
    """Return what every check comes to."""
    if not trace.answered:
        return [_outcome("identification", Verdict.FAILED, trace.error or "it did not answer")]
    return [
        _identification(trace),
        _units(trace),
        _sign(trace),
        _scale(trace),
        _refresh(trace),
        *_setpoints(trace),
        _disconnect(trace),
    ]


def _identification(trace: Trace) -> Outcome:
    seen = {each.quantity for each in trace.seen}
    missing = sorted(set(trace.quantities) - seen)
    if missing and trace.speaks and seen:
        what = f"it has {', '.join(sorted(seen))}, and has not said {', '.join(missing)}"
        return _outcome("identification", Verdict.PASSED, what)
    without = f"it has no {', '.join(missing)}"
    if set(missing) - _MAY_LACK:
        return _outcome("identification", Verdict.FAILED, without)
    words = (f"it has {', '.join(sorted(seen))}", *((without,) if missing else ()))
    return _outcome("identification", Verdict.PASSED, "; ".join(words))


def _units(trace: Trace) -> Outcome:
    """Is every value one that its quantity can have, and usual in its unit?"""
    for each in trace.seen:
        low, high = _USUAL.get(each.quantity, (None, None))
        usual = low is None or high is None or low <= each.value <= high
        if not QUANTITIES[each.quantity].accepts(each.value) or not usual:
            what = f"{each.quantity} is {each.value:g}"
            return _outcome("units", Verdict.FAILED, what)
    return _outcome("units", Verdict.PASSED, _latest(trace))


def _sign(trace: Trace) -> Outcome:
    """Do registers only grow, and the one of the direction in which power flows?"""
    for quantity in sorted({each.quantity for each in trace.seen}):
        if QUANTITIES[quantity].kind is Kind.REGISTER and _falls(trace.of(quantity)):
            return _outcome("sign", Verdict.FAILED, f"{quantity} fell")
    energy = _energy_by_power(trace)
    moved = _moved(trace, _IMPORT), _moved(trace, _EXPORT)
    if energy is None or moved == (None, None) or abs(energy) < _LEAST_ENERGY_WH:
        return _outcome("sign", Verdict.UNDECIDED, "too little energy flowed to tell")
    with_flow, against = moved if energy > 0 else moved[::-1]
    if against is not None and against > (with_flow or 0.0):
        what = f"power says {energy:.0f} Wh, but the register of the other direction grew"
        return _outcome("sign", Verdict.FAILED, what)
    return _outcome("sign", Verdict.PASSED, f"{energy:.0f} Wh flowed, and its register grew")


def _scale(trace: Trace) -> Outcome:
    """Do power over time and the registers come to the same energy?"""
    energy = _energy_by_power(trace)
    moved = [each for each in (_moved(trace, _IMPORT), _moved(trace, _EXPORT)) if each is not None]
    if energy is None or not moved or max(abs(energy), *moved) < _LEAST_ENERGY_WH:
        return _outcome("scale", Verdict.UNDECIDED, "too little energy flowed to tell")
    counted = max(moved)
    what = f"{abs(energy):.0f} Wh by power, {counted:.0f} Wh by the register"
    if not counted / _FACTOR <= abs(energy) <= counted * _FACTOR:
        return _outcome("scale", Verdict.FAILED, what)
    return _outcome("scale", Verdict.PASSED, what)


def _refresh(trace: Trace) -> Outcome:
    """Does something change as often as it is asked for, as long as energy flows?"""
    quantities = {each.quantity for each in trace.seen}
    changes = sorted(time for quantity in quantities for time in _changes(trace.of(quantity)))
    if len(changes) < 2:
        return _outcome("refresh rate", Verdict.UNDECIDED, "what it measures did not change")
    begin, end = max(pairwise(changes), key=lambda pair: pair[1] - pair[0])
    what = f"at most {(end - begin).total_seconds():.1f} s between changes"
    if end - begin <= 3 * trace.interval:
        return _outcome("refresh rate", Verdict.PASSED, what)
    powers = [abs(each.value) for each in trace.of(_POWER) if begin <= each.time <= end]
    flowed_wh = min(powers, default=0.0) * (end - begin).total_seconds() / 3600
    counted = bool(quantities & {_IMPORT, _EXPORT})
    stale = counted and flowed_wh >= _LEAST_ENERGY_WH
    return _outcome("refresh rate", Verdict.FAILED if stale else Verdict.UNDECIDED, what)


def _changes(values: Sequence[Seen]) -> Sequence[datetime]:
    return [late.time for early, late in pairwise(values) if late.value != early.value]


def _setpoints(trace: Trace) -> Sequence[Outcome]:
    checks = ("write and read-back", "effect", "lease expiry", "release")
    if not trace.told:
        return [_outcome(check, Verdict.SKIPPED, "no setpoint was asked for") for check in checks]
    return [
        outcome
        for told in trace.told
        for outcome in (_read_back(told), _effect(trace, told), _lease(told), _release(told))
    ]


def _read_back(told: Told) -> Outcome:
    if told.error or told.mismatch:
        return _outcome("write and read-back", Verdict.FAILED, told.error or told.mismatch)
    what = f"{told.kind} {told.asked:g}, written and read back as {told.written:g}"
    return _outcome("write and read-back", Verdict.PASSED, what)


def _effect(trace: Trace, told: Told) -> Outcome:
    """Did the power follow a setpoint of power, within its lease?"""
    if told.error or told.written is None or told.kind != _POWER:
        return _outcome(
            "effect", Verdict.SKIPPED, "only a setpoint of power is compared with power"
        )
    within = [
        each.value for each in trace.of(_POWER) if told.time <= each.time <= told.time + told.lease
    ]
    if not within:
        return _outcome("effect", Verdict.UNDECIDED, "no power was read within the lease")
    nearest = min(within, key=lambda each: abs(each - told.asked))
    what = f"asked {told.asked:g} W, the power came to {nearest:g} W"
    bound = max(_EFFECT_RATIO * abs(told.asked), _LEAST_EFFECT_W)
    verdict = Verdict.PASSED if abs(nearest - told.asked) <= bound else Verdict.FAILED
    return _outcome("effect", verdict, what)


def _lease(told: Told) -> Outcome:
    if told.error:
        return _outcome("lease expiry", Verdict.SKIPPED, "it was not set")
    if not told.ends_by_itself:
        what = "it has no timer of its own: the gateway ends a setpoint"
        return _outcome("lease expiry", Verdict.SKIPPED, what)
    if told.after_lease is None:
        return _outcome("lease expiry", Verdict.UNDECIDED, "it did not answer after the lease")
    if not told.after_lease:
        return _outcome("lease expiry", Verdict.FAILED, "it still holds it after the lease")
    return _outcome("lease expiry", Verdict.PASSED, f"after the lease {told.after_lease}")


def _release(told: Told) -> Outcome:
    if told.released is None:
        return _outcome("release", Verdict.UNDECIDED, "it could not be asked after the release")
    verdict = Verdict.PASSED if told.released else Verdict.FAILED
    return _outcome("release", verdict, "in its safe state" if told.released else "not released")


def _disconnect(trace: Trace) -> Outcome:
    if trace.back_after is None:
        return _outcome("disconnect", Verdict.FAILED, "it did not answer again")
    seconds = trace.back_after.total_seconds()
    return _outcome("disconnect", Verdict.PASSED, f"it answered again after {seconds:.1f} s")


def _energy_by_power(trace: Trace) -> float | None:
    """Return power over time [Wh], by the trapezium rule; None when there is no power."""
    values = trace.of(_POWER)
    if len(values) < 2:
        return None
    return sum(
        (early.value + late.value) / 2 * (late.time - early.time).total_seconds() / 3600
        for early, late in pairwise(values)
    )


def _moved(trace: Trace, quantity: str) -> float | None:
    """Return by how much a register moved over the time for which power is known."""
    powers = trace.of(_POWER)
    if not powers:
        return None
    begin, end = powers[0].time - trace.interval, powers[-1].time + trace.interval
    values = [each for each in trace.of(quantity) if begin <= each.time <= end]
    return values[-1].value - values[0].value if len(values) > 1 else None


def _falls(values: Sequence[Seen]) -> bool:
    return any(late.value < early.value for early, late in pairwise(values))


def _latest(trace: Trace) -> str:
    latest = {each.quantity: each.value for each in trace.seen}
    return ", ".join(f"{quantity} {value:g}" for quantity, value in sorted(latest.items()))


def _outcome(check: str, verdict: Verdict, seen: str) -> Outcome:
    return Outcome(check=check, verdict=verdict, seen=seen)
