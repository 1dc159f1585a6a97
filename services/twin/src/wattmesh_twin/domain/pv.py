"""What a PV plant can do, and what curtailment leaves of it."""

from dataclasses import dataclass

from wattmesh_kernel.errors import InvalidArgument

FACTORY_REGISTER_WH = 1000.0
"""What the generation register of a new inverter shows [Wh]: its energy on the test bench.

A SunSpec accumulator that shows 0 means "not implemented", so a register that counts never does.
"""

FINE_REGISTER_LIMIT_W = 32_000.0
"""Peak power [W] up to which the generation register counts tenths of a Wh."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PvSpec:
    """A PV plant with an inverter that carries all its modules can give.

    `peak_power_w` is the peak power of the modules [W]; `note` says what a reader of the data must
    know, e.g. that the generation was measured elsewhere.
    """

    peak_power_w: float
    note: str = ""

    def __post_init__(self) -> None:
        if self.peak_power_w <= 0:
            raise InvalidArgument("INVALID_PV", "peak_power_w must be positive", field="pv")

    @property
    def register_step_wh(self) -> float:
        """The last digit of the generation register [Wh]: a 32-bit register lasts for decades."""
        return 0.1 if self.peak_power_w <= FINE_REGISTER_LIMIT_W else 1.0

    def power_w(self, available_w: float, limit_ratio: float) -> float:
        """Return the AC power [W], negative (generating), under a limit of the peak power.

        3000 W available on 4000 W peak with a limit of 0.5 gives -2000 W.
        """
        return -min(available_w, limit_ratio * self.peak_power_w)
