"""Publishes weather from files, and shows what is known of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import grpc
from rich.console import Console
from rich.table import Table

from wattmesh.site.v1 import site_service_pb2
from wattmesh.weather.v1 import weather_pb2
from wattmesh.weather.v1 import weather_service_pb2 as pb
from wattmesh_contracts.values import datetime_from_proto, duration_to_proto, time_range_to_proto
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.time import TimeRange, ceil_time, floor_time
from wattmesh_local.forecasting.weather_file import reports_from_csv
from wattmesh_local.running.state import MeshState
from wattmesh_local.watching.clients import MeshClients
from wattmesh_runtime.errors import rpc_errors

_HOUR = timedelta(hours=1)
_AT_ONCE = 20


@asynccontextmanager
async def weather_desk(state_folder: Path, console: Console) -> AsyncIterator["WeatherDesk"]:
    """Yield what speaks to the mesh that runs here. Error: NotFound when none does."""
    mesh = MeshState(state_folder)
    with rpc_errors():
        async with MeshClients.of(mesh) as clients:
            yield WeatherDesk(clients, mesh.clock(), console)


class WeatherDesk:
    """Speaks to WeatherService; each returns an exit status."""

    def __init__(self, clients: MeshClients, clock: Clock, console: Console) -> None:
        self._clients = clients
        self._clock = clock
        self._console = console

    async def import_file(
        self, file: Path, source: str, place: str, kind: str, issued: datetime | None
    ) -> int:
        """Publish what a file tells. Error: InvalidArgument for what makes no sense."""
        location = await self._location(place)
        text = await asyncio.to_thread(file.read_text, "utf-8")
        reports = reports_from_csv(text.splitlines(), location, issued)
        name = f"weather-sources/{source}"
        await self._provide(name, kind)
        for first in range(0, len(reports), _AT_ONCE):
            request = pb.PublishWeatherRequest(
                parent=name, weather_reports=reports[first : first + _AT_ONCE]
            )
            await self._clients.weather.PublishWeather(request)
        self._console.print(f"{name}: {len(reports)} reports are published")
        return 0

    async def show(self, place: str, ahead: timedelta) -> int:
        """Print what is known of the next hours."""
        start = floor_time(self._clock.now(), _HOUR)
        location = await self._location(place)
        request = pb.QueryWeatherRequest(
            location=location,
            range=time_range_to_proto(TimeRange(start, ceil_time(start + ahead, _HOUR))),
            resolution=duration_to_proto(_HOUR),
            climatology_allowed=True,
        )
        answer = await self._clients.weather.QueryWeather(request)
        self._console.print(_table(answer.series, start))
        for part in answer.parts:
            told = part.weather_report or weather_pb2.WeatherKind.Name(part.kind)
            since = datetime_from_proto(part.range.start_time)
            self._console.print(f"from {since:%Y-%m-%d %H:%M}Z: {told}")
        return 0 if any(part.kind for part in answer.parts) else 1

    async def _provide(self, name: str, kind: str) -> None:
        try:
            number = weather_pb2.WeatherKind.Value(f"WEATHER_KIND_{kind.upper()}")
        except ValueError as error:
            raise InvalidArgument("INVALID_KIND", f"{kind!r} is no kind of weather") from error
        try:
            await self._clients.weather.GetWeatherSource(pb.GetWeatherSourceRequest(name=name))
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                raise
            source = weather_pb2.WeatherSource(name=name, kind=number, priority=50)
            await self._clients.weather.CreateWeatherSource(
                pb.CreateWeatherSourceRequest(weather_source=source)
            )

    async def _location(self, place: str) -> weather_pb2.Location:
        latitude, sign, longitude = place.partition(",")
        if sign:
            try:
                return weather_pb2.Location(
                    latitude_degrees=float(latitude), longitude_degrees=float(longitude)
                )
            except ValueError as error:
                raise InvalidArgument("INVALID_PLACE", f"{place!r}: {error}") from error
        name = place if place.startswith("sites/") else SiteId(place).name
        site = (await self._clients.sites.GetSite(site_service_pb2.GetSiteRequest(name=name))).site
        if not site.HasField("latitude_degrees") or not site.HasField("longitude_degrees"):
            raise InvalidArgument("LOCATION_UNKNOWN", f"{name} has no latitude and longitude")
        return weather_pb2.Location(
            latitude_degrees=site.latitude_degrees, longitude_degrees=site.longitude_degrees
        )


def _table(series: weather_pb2.WeatherSeries, start: datetime) -> Table:
    columns = {
        "°C": series.temperatures_celsius,
        "W/m²": series.global_horizontal_irradiances_w_per_m2,
    }
    columns |= {f"m/s at {each.height_m:g} m": each.speeds_m_per_s for each in series.winds}
    there = {title: values for title, values in columns.items() if values}
    table = Table("from (UTC)", *there)
    count = max((len(values) for values in there.values()), default=0)
    for hour in range(count):
        row = ("-" if each[hour] != each[hour] else f"{each[hour]:.1f}" for each in there.values())
        table.add_row(f"{start + hour * _HOUR:%m-%d %H:%M}", *row)
    return table
