"""Vehicles: what is known of them, and how they are told apart at a charge point."""

from dataclasses import dataclass

from wattmesh_kernel.checks import (
    require,
    require_at_least,
    require_display_name,
    require_positive,
    require_text,
)
from wattmesh_kernel.ids import VehicleId

LONGEST_TOKEN = 64
MOST_TOKENS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Vehicle:
    """A vehicle; what is None, or 0 phases, is not known. `tokens` identify it at charge points."""

    id: VehicleId
    display_name: str = ""
    capacity_wh: float | None = None
    max_charge_power_w: float | None = None
    max_current_a: float | None = None
    phase_count: int = 0
    max_discharge_power_w: float = 0.0
    tokens: tuple[str, ...] = ()
    owner: str = ""

    def __post_init__(self) -> None:
        require_display_name(self.display_name)
        require_positive(self.capacity_wh, "capacity_wh")
        require_positive(self.max_charge_power_w, "max_charge_power_w")
        require_positive(self.max_current_a, "max_current_a")
        require_at_least(self.max_discharge_power_w, 0, "max_discharge_power_w")
        require(0 <= self.phase_count <= 3, "INVALID_VALUE", "1, 2 or 3 phases", "phase_count")
        require(len(self.tokens) <= MOST_TOKENS, "INVALID_VALUE", "too many tokens", "tokens")
        for token in self.tokens:
            require_text(token, LONGEST_TOKEN, "tokens", required=True)
        require_text(self.owner, 200, "owner")
