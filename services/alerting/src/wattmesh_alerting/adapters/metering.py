"""What metering knows: how fresh readings are, and how near the exchange is to its limits."""

from datetime import datetime, timedelta

import grpc

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh_alerting.domain.condition import Condition, News, survey
from wattmesh_alerting.domain.nearness import Nearness, Sample, nearness
from wattmesh_alerting.domain.rules import Rule
from wattmesh_contracts.values import datetime_from_proto
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_kernel.sites import Asset, Device, GridConnectionRating, MeterRole, SiteModel
from wattmesh_runtime.errors import rpc_errors
from wattmesh_sitemodel.view import SiteModelView

_SITES_AT_ONCE = 200
_POWER = "active_power_w"
_SILENT_INTERVALS = 3
_LEAST_SILENCE = timedelta(minutes=2)
_ON_THE_WAY = timedelta(seconds=5)
"""How long a reading may be on its way [of the wall]."""
_FRESH = timedelta(minutes=5)
"""A power that is older says nothing of now."""
_RULES = (Rule.DEVICE_SILENT, Rule.LIMIT_NEAR, Rule.LIMIT_EXCEEDED)


class Readings:
    """Looks at the newest readings of all sites."""

    def __init__(self, channel: grpc.aio.Channel, view: SiteModelView, clock: Clock) -> None:
        self._stub = metering_pb2_grpc.MeteringServiceStub(channel)
        self._view = view
        self._clock = clock
        self._before: dict[SiteId, Sample] = {}

    async def __call__(self) -> list[News]:
        """Return what holds by them. Error: Unavailable."""
        now, model = self._clock.now(), self._view.model
        newest = await self._newest(model)
        on_the_way = _ON_THE_WAY * self._clock.rate
        conditions = [
            *_silent(model, newest, now - on_the_way),
            *(
                each
                for site in model.sites
                for each in self._near(model, site, newest, now - on_the_way)
            ),
        ]
        return [survey(_RULES, conditions, now)]

    async def _newest(self, model: SiteModel) -> dict[str, metering_pb2.Reading]:
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

    def _near(
        self,
        model: SiteModel,
        site: SiteId,
        newest: dict[str, metering_pb2.Reading],
        now: datetime,
    ) -> list[Condition]:
        """Return whether a site's exchange is near its limit, or above."""
        found = list[Condition]()
        for asset in model.assets_of(site):
            if isinstance(asset.rating, GridConnectionRating):
                reading = _power(model, asset, newest, now)
                if reading is None:
                    self._before.pop(site, None)
                    continue
                sample = Sample(time=_time(reading), power_w=reading.value)
                found += _conditions(asset, asset.rating, sample, self._before.get(site))
                if site not in self._before or self._before[site].time < sample.time:
                    self._before[site] = sample
        return found


def _conditions(
    asset: Asset, rating: GridConnectionRating, sample: Sample, before: Sample | None
) -> list[Condition]:
    near = nearness(
        sample,
        before,
        max_import_w=rating.max_import_power_w,
        max_export_w=rating.max_export_power_w,
    )
    if near is None or not near.near:
        return []
    rule = Rule.LIMIT_EXCEEDED if near.exceeded else Rule.LIMIT_NEAR
    return [
        Condition(
            rule=rule,
            subject=asset.id.site.name,
            since=sample.time,
            site=asset.id.site,
            description=_words(near, sample),
            value=near.power_w,
            threshold=near.limit_w,
            unit="W",
            time_left=near.time_left,
            links=(asset.id.name,),
        )
    ]


def _words(near: Nearness, sample: Sample) -> str:
    way = "taken from" if sample.power_w >= 0 else "given to"
    words = f"{near.power_w:.0f} W are {way} the grid, {near.limit_w:.0f} W are allowed"
    if near.time_left is None:
        return words
    minutes = near.time_left / timedelta(minutes=1)
    return f"{words}; as things go the limit is reached in {minutes:.0f} min"


def _power(
    model: SiteModel, asset: Asset, newest: dict[str, metering_pb2.Reading], now: datetime
) -> metering_pb2.Reading | None:
    for meter in model.meters_of(asset.id, now):
        if meter.function.meter_role is MeterRole.MAIN and _POWER in meter.quantities:
            reading = newest.get(meter.device.point(_POWER).name)
            if reading is not None and now - _time(reading) <= _FRESH:
                return reading
    return None


def _silent(
    model: SiteModel, newest: dict[str, metering_pb2.Reading], now: datetime
) -> list[Condition]:
    """Return the devices that have reported before, and no longer do."""
    last = dict[DeviceId, datetime]()
    for name, reading in newest.items():
        device = DeviceId.parse(name.partition("/points/")[0])
        last[device] = max(_time(reading), last.get(device, _time(reading)))
    return [
        Condition(
            rule=Rule.DEVICE_SILENT,
            subject=device.name,
            since=moment,
            site=device.site,
            gateway=known.gateway,
            description=f"its last reading is of {moment:%Y-%m-%d %H:%M:%S} UTC",
        )
        for device, moment in last.items()
        if (known := model.devices.get(device)) is not None and now - moment > _patience(known)
    ]


def _patience(device: Device) -> timedelta:
    return max(_SILENT_INTERVALS * device.reporting_interval, _LEAST_SILENCE)


def _time(reading: metering_pb2.Reading) -> datetime:
    return datetime_from_proto(reading.measure_time, "measure_time")
