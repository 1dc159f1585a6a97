"""Understands JSON telegrams as a profile describes them."""

from datetime import datetime

from wattmesh_gateway.domain.errors import TelegramError
from wattmesh_gateway.domain.reading import Reading
from wattmesh_gateway.domain.telegram import Telegram
from wattmesh_gateway.drivers.mqtt.batch import understand_batch
from wattmesh_gateway.drivers.mqtt.document import (
    LONGEST_BATCH_BYTES,
    measure_time,
    parse,
    value_of,
)
from wattmesh_gateway.drivers.mqtt.profile import TelegramFormat
from wattmesh_kernel.sites import Device


def understand(
    device: Device, format_: TelegramFormat, payload: bytes, arrival: datetime
) -> Telegram:
    """Return the readings of a telegram of `device` that arrived at `arrival`.

    A value that is absent or null was not measured and is left out, as is a point that the site
    model does not give the device.
    Error: TelegramError when it is no JSON, has no time, or has nothing of what it should have.

    A device may send anything: nothing that it sends raises anything else.
    """
    if format_.batch is not None:
        document = parse(payload, LONGEST_BATCH_BYTES)
        return understand_batch(device, format_, format_.batch, document, arrival)
    document = parse(payload)
    moment = measure_time(document, format_.time, arrival)
    readings: list[Reading] = []
    problems: list[str] = []
    for name, point in format_.points.items():
        try:
            value = value_of(document, name, point)
        except TelegramError as error:
            problems.append(str(error))
            continue
        if value is not None and name in device.points:
            readings.append(Reading(point=device.point(name), measure_time=moment, value=value))
    if not readings and not problems:
        raise TelegramError("it has none of the values of the profile")
    return Telegram(device=device.id, readings=readings, problems=problems)
