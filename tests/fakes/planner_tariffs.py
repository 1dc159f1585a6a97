"""Tariffs with the prices that a test publishes."""

from dataclasses import replace

import numpy as np

from tests.fakes.planner_home import DYNAMIC, HOUR, published
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import RealTimePrice, Tariff
from wattmesh_kernel.time import TimeRange


class FakeTariffs:
    """`prices` are those published; None: none ever were."""

    def __init__(self) -> None:
        self.prices: Series | None = None
        self.away = False
        self.asked: list[TimeRange] = []

    async def tariff(self, tariff: TariffId, span: TimeRange) -> Tariff:
        self.asked.append(span)
        if self.away:
            raise Unavailable("GONE", "no metering")
        known = self.prices or Series(span.start, HOUR, np.array([]))
        return published(replace(DYNAMIC, id=tariff), RealTimePrice(published=known.window(span)))
