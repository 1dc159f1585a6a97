"""What a site that can do without the grid has besides: wind turbine, generator set, switch."""

from datetime import timedelta

from wattmesh_twin.adapters.grid_switch import SWITCH_REGISTERS, SwitchRegisters
from wattmesh_twin.adapters.sunspec.device import RefusedValue, SunSpecDevice, require_started
from wattmesh_twin.adapters.sunspec.generator import SunSpecGenerator
from wattmesh_twin.adapters.sunspec.wind import SunSpecWind
from wattmesh_twin.app.run_machine import WindLook
from wattmesh_twin.app.run_site import SiteTwin
from wattmesh_twin.domain.generator import GeneratorSpec, GeneratorState
from wattmesh_twin.domain.grid_switch import GridSwitchState
from wattmesh_twin.domain.lease import Lease
from wattmesh_twin.domain.microgrid import TurbineSpec
from wattmesh_twin.domain.pv import FACTORY_REGISTER_WH
from wattmesh_twin.domain.topology import GENERATOR_UNIT, SWITCH_UNIT, TURBINE_UNIT


def microgrid_devices(site: SiteTwin) -> list[SunSpecDevice]:
    """Return them, as far as the site has them."""
    found: list[SunSpecDevice] = []
    name, state = site.spec.id.segment, site.now()
    if site.spec.turbine is not None:
        turbine = _Turbine(site, site.spec.turbine)
        found.append(SunSpecWind(turbine, f"{name}-turbine", TURBINE_UNIT))
    if site.spec.generator is not None and state.generator is not None:
        generator = _Generator(site, site.spec.generator, state.generator)
        found.append(SunSpecGenerator(generator, f"{name}-generator", GENERATOR_UNIT))
    if site.spec.microgrid is not None and state.grid is not None:
        found.append(_Switch(site, state.grid))
    return found


class _Turbine:
    """A site's wind turbine, as its registers see it."""

    def __init__(self, site: SiteTwin, spec: TurbineSpec) -> None:
        self._site = site
        self._spec = spec
        self.rating = spec.rating

    def look(self) -> WindLook:
        """Return how it stands now."""
        state, powers = self._site.now(), self._site.powers()
        return WindLook(
            power_w=-powers.wind_w,
            available_w=self._spec.available_w(state.time),
            speed_m_per_s=self._spec.wind.speed(state.time),
            energy_wh=state.wind_export_wh - FACTORY_REGISTER_WH,
            limit=state.wind_limit,
        )

    def limit(self, limit_ratio: float, duration: timedelta) -> None:
        """Limit it to a ratio of its rated power for so long."""
        self._site.limit_wind(limit_ratio, duration)

    def release(self) -> None:
        """End its limit."""
        self._site.release_wind()


class _Generator:
    """A site's generator set, as its registers see it."""

    def __init__(self, site: SiteTwin, spec: GeneratorSpec, state: GeneratorState) -> None:
        self._site = site
        self._state = state
        self.spec = spec

    def look(self) -> GeneratorState:
        """Return how it stands now."""
        return self._site.now().generator or self._state

    def order(self, power_w: float, duration: timedelta) -> None:
        """Tell it a power out [W] for so long; 0: to stand still."""
        self._site.order_generator(Lease.of(power_w, self.look().time, duration))

    def release(self) -> None:
        """Let go of it: it stops as soon as it may."""
        self._site.order_generator(None)


class _Switch:
    """A site's switch to the grid: the registers of `grid_switch.py`, behind a unit of the site."""

    unit_id = SWITCH_UNIT
    base_address = 0

    def __init__(self, site: SiteTwin, state: GridSwitchState) -> None:
        self._site = site
        self._state = state
        self._registers = SwitchRegisters()

    @property
    def template(self) -> list[int]:
        """The registers before anything is measured."""
        return [0] * SWITCH_REGISTERS

    def writable(self) -> set[int]:
        """Return the registers of the order: nobody cuts the grid from here."""
        return set(self._registers.writable)

    def read(self, asked: range) -> list[int]:
        """Return all registers as of now."""
        require_started(self._site)
        return self._registers.shown(self._site.now().grid or self._state)

    def write(self, start: int, values: list[int]) -> None:
        """Take an order; RefusedValue for one that makes no sense."""
        for register, value in enumerate(values, start=start):
            order = self._registers.taken(register, value)
            if order is None:
                raise RefusedValue
            if order.duration is not None:
                self._site.order_switch(order.value, order.duration)
