"""The newest reading of each point, as it was asked for and as it came since."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from wattmesh.metering.v1 import metering_pb2
from wattmesh_contracts.values import datetime_from_proto

_BEHIND_SECONDS = 2.0
"""So long what came by itself may be ahead of what an answer has seen [s of the wall]."""


class NewestReadings:
    """What was asked for is believed; what came by itself since then may be doubted yet.

    So an answer takes the place of all that had come before it was asked for. Times `at` are of
    the event loop [s].
    """

    def __init__(self) -> None:
        self._asked: Mapping[str, metering_pb2.Reading] = {}
        self._came: dict[str, tuple[float, metering_pb2.Reading]] = {}

    def take(self, readings: Iterable[metering_pb2.Reading], at: float) -> None:
        """Take note of readings that came by themselves."""
        for each in readings:
            known = self.get(each.point)
            if known is None or measured(known) <= measured(each):
                self._came[each.point] = at, each

    def answered(self, readings: Mapping[str, metering_pb2.Reading], asked_at: float) -> None:
        """Take note of all that is believed, as it was asked for at a time."""
        self._asked = readings
        since = asked_at - _BEHIND_SECONDS
        self._came = {
            point: (at, each)
            for point, (at, each) in self._came.items()
            if at >= since and (point not in readings or _later(each, readings[point]))
        }

    def get(self, point: str) -> metering_pb2.Reading | None:
        """Return the newest reading of a point."""
        came = self._came.get(point)
        return self._asked.get(point) if came is None else came[1]

    def all(self) -> dict[str, metering_pb2.Reading]:
        """Return the newest reading of every point that has one."""
        return {**self._asked, **{point: each for point, (_, each) in self._came.items()}}


def measured(reading: metering_pb2.Reading) -> datetime:
    """Return when a reading was measured."""
    return datetime_from_proto(reading.measure_time, "measure_time")


def _later(one: metering_pb2.Reading, other: metering_pb2.Reading) -> bool:
    return measured(one) > measured(other)
