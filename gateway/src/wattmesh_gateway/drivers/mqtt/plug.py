"""What a charger on MQTT says of its plug, word by word on one topic or several."""

from collections.abc import Sequence
from datetime import datetime

from wattmesh_gateway.app.ports import Stays
from wattmesh_gateway.domain.errors import TelegramError
from wattmesh_gateway.domain.profile import PLUGGED_IN
from wattmesh_gateway.domain.reading import Reading
from wattmesh_gateway.domain.session import SessionState
from wattmesh_gateway.domain.stay import NOBODY, Seen
from wattmesh_gateway.domain.telegram import Telegram
from wattmesh_gateway.drivers.mqtt.document import value_at
from wattmesh_gateway.drivers.mqtt.profile import StateFormat
from wattmesh_gateway.profiles.words import together
from wattmesh_kernel.sites import Device


class MqttPlug:
    """Understands the words of one charger, and tells what they come to."""

    def __init__(
        self, device: Device, formats: Sequence[StateFormat], address: str, stays: Stays
    ) -> None:
        self._device = device
        self._formats = [(each.topic_of(address), each) for each in formats]
        self._said: list[SessionState | None] = [None] * len(formats)
        self._stays = stays

    @property
    def topics(self) -> frozenset[str]:
        """Where it says them."""
        return frozenset(topic for topic, _ in self._formats)

    def understand(self, origin: str, payload: bytes, arrival: datetime) -> Sequence[Telegram]:
        """Return whether a vehicle is plugged in, by a message on one of its topics."""
        state = self._hear(origin, payload)
        if state is None or PLUGGED_IN not in self._device.points:
            return ()
        point = self._device.point(PLUGGED_IN)
        plugged_in = 0.0 if state is NOBODY else 1.0
        reading = Reading(point=point, measure_time=arrival, value=plugged_in)
        return (Telegram(device=self._device.id, readings=[reading]),)

    async def follow(
        self, origin: str, payload: bytes, arrival: datetime, telegrams: Sequence[Telegram]
    ) -> None:
        """Tell what a message shows of it; return when what is new is kept."""
        if not self._formats:
            return
        own = [each for each in telegrams if each.device == self._device.id]
        values = {each.point.segment: each.value for one in own for each in one.readings}
        seen = Seen(
            time=arrival,
            state=self._hear(origin, payload),
            import_wh=values.get("import_energy_wh"),
            export_wh=values.get("export_energy_wh"),
            soc_ratio=values.get("soc_ratio"),
        )
        await self._stays.hear(self._device.id, seen)

    def _hear(self, origin: str, payload: bytes) -> SessionState | None:
        """Return what its words come to after a message; None when it is about something else."""
        heard = False
        for index, (topic, format_) in enumerate(self._formats):
            if topic == origin:
                self._said[index] = _meaning(payload, format_)
                heard = True
        return together(self._said) if heard else None


def _meaning(payload: bytes, format_: StateFormat) -> SessionState | None:
    """Return what a payload means; None when that is not known."""
    try:
        raw = value_at(payload, format_.path)
    except TelegramError:
        raw = None if format_.path else payload.decode("utf-8", "replace")
    if isinstance(raw, dict | list):  # writing out what is nested may go too deep, or take long
        return None
    said = f"{raw:g}" if isinstance(raw, float) else str(raw)
    return format_.words.get(said)
