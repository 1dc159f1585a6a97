"""The stay of a vehicle at a charger, as it goes on with what the charger shows."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wattmesh_gateway.domain.session import ChargingSession, SessionState
from wattmesh_kernel.ids import DeviceId

NOBODY = SessionState.ENDED
"""What a charger shows while no vehicle is plugged in."""
_SINCE = timedelta(hours=1)
"""Within it a register that was read while nobody was there is what it was when one came."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stay:
    """A vehicle at a charger. `import_start_wh`, `export_start_wh`: the registers when it came."""

    arrival_time: datetime
    measure_time: datetime
    state: SessionState = SessionState.WAITING
    departure_time: datetime | None = None
    token: str = ""
    import_start_wh: float | None = None
    export_start_wh: float | None = None
    charged_energy_wh: float | None = None
    discharged_energy_wh: float | None = None
    soc_ratio: float | None = None
    soc_measure_time: datetime | None = None

    def session(self, device: DeviceId) -> ChargingSession:
        """Return it as a charging session that a device tells."""
        return ChargingSession(
            device=device,
            state=self.state,
            arrival_time=self.arrival_time,
            measure_time=self.measure_time,
            departure_time=self.departure_time,
            token=self.token,
            charged_energy_wh=self.charged_energy_wh,
            discharged_energy_wh=self.discharged_energy_wh,
            soc_ratio=self.soc_ratio,
            soc_measure_time=self.soc_measure_time,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What a charger shows at a moment: `NOBODY`, or what goes on; None is what it did not say."""

    time: datetime
    state: SessionState | None = None
    import_wh: float | None = None
    export_wh: float | None = None
    soc_ratio: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Plug:
    """What is known of a charger: who is there, its registers [Wh], and when it last was free."""

    stay: Stay | None = None
    import_wh: float | None = None
    export_wh: float | None = None
    free_time: datetime | None = None
    seen_time: datetime | None = None


def followed(before: Plug, seen: Seen) -> tuple[Plug, Stay | None]:
    """Return what is known after a look, and the stay that it was about; None: nobody's.

    What is older than what is known changes nothing. A stay that ends is told with its departure.
    """
    if before.seen_time is not None and seen.time < before.seen_time:
        return before, None
    after = replace(
        before,
        seen_time=seen.time,
        import_wh=before.import_wh if seen.import_wh is None else seen.import_wh,
        export_wh=before.export_wh if seen.export_wh is None else seen.export_wh,
    )
    stay = before.stay
    if stay is None:
        if seen.state is None or seen.state is NOBODY:
            free = seen.time if seen.state is NOBODY else before.free_time
            return replace(after, free_time=free), None
        stay = _arrived(before, after, seen)
    stay = _metered(replace(stay, measure_time=seen.time), seen)
    if seen.state is NOBODY:
        ended = replace(stay, state=SessionState.ENDED, departure_time=seen.time)
        return replace(after, stay=None, free_time=seen.time), ended
    stay = replace(stay, state=seen.state or stay.state)
    return replace(after, stay=stay), stay


def _arrived(before: Plug, after: Plug, seen: Seen) -> Stay:
    """Return a stay that begins; what it drew before it was seen counts, where that is known."""
    lately = before.free_time is not None and seen.time - before.free_time <= _SINCE
    return Stay(
        arrival_time=seen.time,
        measure_time=seen.time,
        import_start_wh=_known(before.import_wh if lately else None, after.import_wh),
        export_start_wh=_known(before.export_wh if lately else None, after.export_wh),
    )


def _known(first: float | None, second: float | None) -> float | None:
    return second if first is None else first


def _counted(
    register_wh: float, start_wh: float | None, so_far_wh: float | None
) -> tuple[float, float]:
    """Return the register when the stay began, and what it has counted since; it never falls."""
    start = register_wh if start_wh is None else start_wh
    return start, max(register_wh - start, so_far_wh or 0.0)


def _metered(stay: Stay, seen: Seen) -> Stay:
    if seen.import_wh is not None:
        start, energy = _counted(seen.import_wh, stay.import_start_wh, stay.charged_energy_wh)
        stay = replace(stay, import_start_wh=start, charged_energy_wh=energy)
    if seen.export_wh is not None:
        start, energy = _counted(seen.export_wh, stay.export_start_wh, stay.discharged_energy_wh)
        stay = replace(stay, export_start_wh=start, discharged_energy_wh=energy)
    if seen.soc_ratio is not None:
        stay = replace(stay, soc_ratio=seen.soc_ratio, soc_measure_time=seen.time)
    return stay
