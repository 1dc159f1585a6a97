"""What metering knows: how fresh readings are, and how near powers are to their limits."""

import asyncio
from datetime import datetime, timedelta

import grpc

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh_alerting.adapters.nearness import LimitsInForce, Powers
from wattmesh_alerting.adapters.newest import NewestReadings, measured
from wattmesh_alerting.domain.condition import Condition, News, survey
from wattmesh_alerting.domain.rules import Rule
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.sites import Device, SiteModel
from wattmesh_runtime.errors import rpc_errors
from wattmesh_sitemodel.view import SiteModelView

_SITES_AT_ONCE = 200
_SILENT_INTERVALS = 3
_LEAST_SILENCE = timedelta(minutes=2)
ON_THE_WAY = timedelta(seconds=5)
"""How long a reading may be on its way [of the wall]."""
_RULES = (Rule.DEVICE_SILENT, Rule.LIMIT_NEAR, Rule.LIMIT_EXCEEDED)


class Readings:
    """Looks at the newest readings of all sites."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        view: SiteModelView,
        clock: Clock,
        limits: LimitsInForce,
        newest: NewestReadings,
        powers: Powers,
    ) -> None:
        self._stub = metering_pb2_grpc.MeteringServiceStub(channel)
        self._view = view
        self._clock = clock
        self._limits = limits
        self._newest = newest
        self._powers = powers

    async def __call__(self) -> list[News]:
        """Return what holds by them. Error: Unavailable."""
        model, asked_at = self._view.model, asyncio.get_running_loop().time()
        self._newest.answered(await self._believed(model), asked_at)
        now = self._clock.now()
        on_the_way = ON_THE_WAY * self._clock.rate
        known_at = now - on_the_way
        limits = self._limits.in_force(now)
        conditions = [
            *_silent(model, self._newest.all(), known_at),
            *self._powers.conditions(model, self._newest, limits, known_at),
        ]
        return [survey(_RULES, conditions, now)]

    async def _believed(self, model: SiteModel) -> dict[str, metering_pb2.Reading]:
        """Return the newest reading of every point that has one."""
        names = [f"{site.name}/devices/-/points/-" for site in model.sites]
        found = dict[str, metering_pb2.Reading]()
        for start in range(0, len(names), _SITES_AT_ONCE):
            request = metering_pb2.GetLatestReadingsRequest(
                points=names[start : start + _SITES_AT_ONCE]
            )
            with rpc_errors():
                answer = await self._stub.GetLatestReadings(request)
            found |= {each.point: each for each in answer.readings}
        return found


def _silent(
    model: SiteModel, newest: dict[str, metering_pb2.Reading], now: datetime
) -> list[Condition]:
    """Return the devices that have reported before, and no longer do."""
    last = dict[DeviceId, tuple[datetime, str]]()
    for name, reading in newest.items():
        device = DeviceId.parse(name.partition("/points/")[0])
        told = measured(reading), name
        last[device] = max(told, last.get(device, told))
    return [
        Condition(
            rule=Rule.DEVICE_SILENT,
            subject=device.name,
            since=moment,
            site=device.site,
            gateway=known.gateway,
            description=f"its last reading is of {moment:%Y-%m-%d %H:%M:%S} UTC",
            links=(point,),
        )
        for device, (moment, point) in last.items()
        if (known := model.devices.get(device)) is not None and now - moment > _patience(known)
    ]


def _patience(device: Device) -> timedelta:
    return max(_SILENT_INTERVALS * device.reporting_interval, _LEAST_SILENCE)
