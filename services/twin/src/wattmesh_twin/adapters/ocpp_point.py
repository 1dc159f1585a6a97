"""A charge point that dials in over OCPP 1.6, and obeys the charging profiles that it is given.

What it has to say it says in order, each again until it was answered; transactions and meter values
that came about while it was alone come when it is back, with their times.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ocpp.exceptions import OCPPError
from ocpp.routing import on
from ocpp.v16 import ChargePoint as Ocpp16
from ocpp.v16 import call, call_result
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.time import floor_time
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.losses import LossLog
from wattmesh_runtime.aio.tasks import race
from wattmesh_twin.app.run_charger import ChargerTwin, Look
from wattmesh_twin.domain.charger import Visit
from wattmesh_twin.domain.charging_profiles import ChargingProfiles, CurrentLimit
from wattmesh_twin.domain.vehicle import LEAST_CURRENT_A, VOLTAGE_V

log = logging.getLogger(__name__)

_QUIET = logging.getLogger(f"{__name__}.ocpp")
_ANSWER_SECONDS = 30
_WATTS_PER_AMPERE = 3 * VOLTAGE_V
_FIRST_INTERVAL = timedelta(minutes=15)

_IMPORT, _POWER = "import_energy_wh", "active_power_w"

Told = Callable[[datetime, Sequence[str]], None]
"""Hears of quantities of a time that the central system has taken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Message:
    """What is to be said once its turn comes: `make` makes it then.

    `begins` is the visit whose transaction it begins; `quantities` are measured in it, at `time`.
    """

    make: Callable[[], Any]
    time: datetime
    quantities: tuple[str, ...] = ()
    begins: Visit | None = None


class OcppTwin:
    """One charge point with one connector; `run` never ends by itself.

    It goes on with the charging profiles that the charger has kept.
    """

    def __init__(
        self,
        id_: str,
        url: str,
        twin: ChargerTwin,
        max_current_a: float,
        told: Told = lambda _time, _quantities: None,
    ) -> None:
        kept = twin.offered
        fresh = ChargingProfiles(max_current_a=max_current_a)
        self.profiles = kept if isinstance(kept, ChargingProfiles) else fresh
        self._told = told
        self.interval = _FIRST_INTERVAL
        self._id = id_
        self._url = f"{url.rstrip('/')}/{id_}"
        self._twin = twin
        self._waiting: deque[_Message] = deque()
        self._news = asyncio.Event()
        self._changed = asyncio.Event()
        self._visit: Visit | None = None
        self._status = "Available"
        self._numbers: dict[Visit, int] = {}
        self._loss = LossLog(log, f"the central system of {id_}")
        if self.profiles != kept:
            twin.offer(self.profiles)
        _QUIET.setLevel(logging.CRITICAL)  # the library logs every message

    async def run(self) -> None:
        """Live and talk, for ever."""
        await race(self._live(), self._talk())

    def obey(self, profiles: ChargingProfiles) -> None:
        """Offer by other profiles from now on."""
        self.profiles = profiles
        self._twin.offer(profiles)
        self._changed.set()
        self._note(self._twin.look(), on_raster=False)

    def measure_every(self, interval: timedelta) -> None:
        """Say meter values at an interval from now on, on its raster."""
        self.interval = interval
        self._changed.set()

    def look_at_clock(self) -> datetime:
        """Return the time."""
        return self._twin.clock.now()

    def tell_status(self) -> None:
        """Say how the connector is."""
        self._say_status(self._status, self._twin.clock.now())

    async def _live(self) -> None:
        """Note what happens, one thing after the other, as the clock goes on."""
        clock = self._twin.clock
        look = self._twin.look()
        self._note(look, on_raster=False)
        while True:
            moment = look.state.time
            raster = floor_time(moment, self.interval) + self.interval
            ahead = (self._twin.charger.next_event(moment), self.profiles.next_change(moment))
            wake = min([raster, *(each for each in ahead if each is not None)])
            await race(clock.sleep_until(wake), self._changed.wait())
            told = self._changed.is_set() and clock.now() < wake
            self._changed.clear()
            look = self._twin.look(None if told else wake)
            self._note(look, on_raster=wake == raster and not told)

    def _note(self, look: Look, *, on_raster: bool) -> None:
        """Find what is to be said of how things stand."""
        visit, register = look.state.visit, int(look.state.import_wh)
        if visit is not self._visit:
            if self._visit is not None:
                self._say_stop(self._visit, register)
            if visit is not None:
                self._say_status("Preparing", visit.arrival)
                self._say_start(visit, int(look.state.arrival_import_wh))
            self._visit = visit
        status = self._status_of(look)
        if status != self._status:
            self._status = status
            self._say_status(status, look.state.time)
        if on_raster:
            self._say_values(look)

    def _status_of(self, look: Look) -> str:
        if look.state.visit is None:
            return "Available"
        if look.power_w > 0:
            return "Charging"
        offered = self.profiles.current_a(look.state.time)
        return "SuspendedEVSE" if offered < LEAST_CURRENT_A else "SuspendedEV"

    def _say_status(self, status: str, moment: datetime) -> None:
        def make() -> Any:
            return call.StatusNotification(
                connector_id=1, error_code="NoError", status=status, timestamp=_stamp(moment)
            )

        self._say(_Message(make=make, time=moment))

    def _say_start(self, visit: Visit, register: int) -> None:
        def make() -> Any:
            return call.StartTransaction(
                connector_id=1,
                id_tag=visit.token,
                meter_start=register,
                timestamp=_stamp(visit.arrival),
            )

        self._say(_Message(make=make, time=visit.arrival, quantities=(_IMPORT,), begins=visit))

    def _say_stop(self, visit: Visit, register: int) -> None:
        def make() -> Any:
            return call.StopTransaction(
                transaction_id=self._numbers.get(visit, 0),
                meter_stop=register,
                timestamp=_stamp(visit.departure),
                reason="EVDisconnected",
            )

        self._say(_Message(make=make, time=visit.departure, quantities=(_IMPORT,)))

    def _say_values(self, look: Look) -> None:
        visit = look.state.visit
        values = [
            ("Energy.Active.Import.Register", f"{int(look.state.import_wh)}", "Wh", "Outlet"),
            ("Power.Active.Import", f"{look.power_w:.1f}", "W", "Outlet"),
            ("Current.Import", f"{look.current_a:.2f}", "A", "Outlet"),
            ("Voltage", f"{VOLTAGE_V:.1f}", "V", "Outlet"),
        ]
        if visit is not None:
            values.append(("SoC", f"{100 * look.state.soc_ratio:.1f}", "Percent", "EV"))
        sampled = [
            {"measurand": measurand, "value": value, "unit": unit, "location": location}
            for measurand, value, unit, location in values
        ]
        meter_value = [{"timestamp": _stamp(look.state.time), "sampled_value": sampled}]

        def make() -> Any:
            return call.MeterValues(
                connector_id=1,
                meter_value=meter_value,
                transaction_id=self._numbers.get(visit) if visit else None,
            )

        self._say(_Message(make=make, time=look.state.time, quantities=(_IMPORT, _POWER)))

    def _say(self, message: _Message) -> None:
        self._waiting.append(message)
        self._news.set()

    async def _talk(self) -> None:
        """Dial in, and again whenever the line breaks."""
        backoff = Backoff(most_seconds=5.0)
        while True:
            try:
                async with connect(self._url, subprotocols=[Subprotocol("ocpp1.6")]) as socket:
                    self._loss.back()
                    backoff.reset()
                    await self._converse(socket)
            except (WebSocketException, OSError, TimeoutError) as error:
                self._loss.lost(f"{type(error).__name__}: {error}")
            await backoff.wait()

    async def _converse(self, socket: ClientConnection) -> None:
        point = _Point(self._id, socket, self)
        await race(point.start(), self._say_all(point))

    async def _say_all(self, point: "_Point") -> None:
        charger = {"charge_point_vendor": "Wattmesh", "charge_point_model": "Twin"}
        await point.call(call.BootNotification(**charger))
        while True:
            self._news.clear()
            while self._waiting:
                message = self._waiting[0]
                await self._say_one(point, message)
                self._waiting.popleft()
            await self._news.wait()

    async def _say_one(self, point: "_Point", message: _Message) -> None:
        try:
            answer = await point.call(message.make(), suppress=False)
        except OCPPError as error:
            log.warning("%s: what it said was refused: %s", self._id, error)
            return
        if message.begins is not None:
            self._numbers = {message.begins: answer.transaction_id}
        if message.quantities:
            self._told(message.time, message.quantities)


class _Point(Ocpp16):  # type: ignore[misc]
    """What the central system may ask."""

    def __init__(self, id_: str, socket: ClientConnection, twin: OcppTwin) -> None:
        super().__init__(id_, socket, response_timeout=_ANSWER_SECONDS, logger=_QUIET)
        self._owner = twin

    @on("ChangeConfiguration")  # type: ignore[untyped-decorator]
    def _configure(self, key: str, value: str) -> Any:
        if key == "ClockAlignedDataInterval" and value.isdecimal() and int(value) > 0:
            self._owner.measure_every(timedelta(seconds=int(value)))
            return call_result.ChangeConfiguration(status="Accepted")
        known = key.startswith("MeterValues")
        return call_result.ChangeConfiguration(status="Accepted" if known else "NotSupported")

    @on("TriggerMessage")  # type: ignore[untyped-decorator]
    def _trigger(self, requested_message: str, **_: object) -> Any:
        if requested_message != "StatusNotification":
            return call_result.TriggerMessage(status="NotImplemented")
        self._owner.tell_status()
        return call_result.TriggerMessage(status="Accepted")

    @on("SetChargingProfile")  # type: ignore[untyped-decorator]
    def _set(self, connector_id: int, cs_charging_profiles: Mapping[str, Any]) -> Any:
        try:
            limit = limit_of(cs_charging_profiles)
        except (InvalidArgument, KeyError, ValueError) as error:
            log.info("%s cannot obey a profile: %s", self.id, error)
            return call_result.SetChargingProfile(status="Rejected")
        self._owner.obey(self._owner.profiles.with_limit(limit))
        return call_result.SetChargingProfile(status="Accepted")

    @on("ClearChargingProfile")  # type: ignore[untyped-decorator]
    def _clear(self, **which: int) -> Any:
        before = self._owner.profiles
        self._owner.obey(before.without(which["id"]) if "id" in which else before)
        found = self._owner.profiles != before
        return call_result.ClearChargingProfile(status="Accepted" if found else "Unknown")

    @on("GetCompositeSchedule")  # type: ignore[untyped-decorator]
    def _composite(self, duration: int, charging_rate_unit: str = "A", **_: object) -> Any:
        now = self._owner.look_at_clock()
        current = self._owner.profiles.current_a(now)
        limit = current if charging_rate_unit == "A" else current * _WATTS_PER_AMPERE
        return call_result.GetCompositeSchedule(
            status="Accepted",
            connector_id=1,
            schedule_start=_stamp(now),
            charging_schedule={
                "duration": duration,
                "charging_rate_unit": charging_rate_unit,
                "charging_schedule_period": [{"start_period": 0, "limit": round(limit, 1)}],
            },
        )


def limit_of(profile: Mapping[str, Any]) -> CurrentLimit:
    """Return the limit of a charging profile of one period; what says more makes no sense here."""
    schedule = profile["charging_schedule"]
    (period,) = schedule["charging_schedule_period"]
    start = datetime.fromisoformat(schedule["start_schedule"])
    ends = []
    if "duration" in schedule:
        ends.append(start + timedelta(seconds=schedule["duration"]))
    if "valid_to" in profile:
        ends.append(datetime.fromisoformat(profile["valid_to"]))
    in_watts = schedule["charging_rate_unit"] == "W"
    return CurrentLimit(
        id=profile["charging_profile_id"],
        stack_level=profile["stack_level"],
        current_a=float(period["limit"]) / (_WATTS_PER_AMPERE if in_watts else 1.0),
        start=start,
        end=min(ends, default=None),
    )


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
