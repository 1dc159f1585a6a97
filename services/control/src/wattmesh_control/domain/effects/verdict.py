"""What meters say of a command: its verdict, and what stands behind it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Effect(StrEnum):
    """What a command came to at the meters, whatever its register says."""

    CONFIRMED = "confirmed"
    """It happened, over the whole range, within tolerance."""
    PARTIAL = "partial"
    """Less of it, more of it, later, or not to the end."""
    NONE = "none"
    """Nothing moved towards it."""
    CONTRARY = "contrary"
    """The opposite happened."""
    UNKNOWN = "unknown"
    """The meters do not say; the reason says why."""


class EffectReason(StrEnum):
    """Why nothing is known, or how it came to less."""

    NONE = ""
    NO_METER = "no_meter"
    """Nothing measures the asset, nor the grid connection of its site."""
    NOT_METERED = "not_metered"
    """Readings are missing."""
    KIND_NOT_METERED = "kind_not_metered"
    """No meter shows what was asked."""
    TOO_SHORT = "too_short"
    """It held for less than the meters resolve."""
    NOISE = "noise"
    """Other loads of the site move as much as the command would."""
    NO_STEP = "no_step"
    """What was asked is what there was already: nothing had to move."""
    AMBIGUOUS = "ambiguous"
    """Several devices stepped at once, and the site's step fits more than one story."""
    NOT_BINDING = "not_binding"
    """A limit that was kept without anything having to change."""
    METER_FROZEN = "meter_frozen"
    """The device's own meter stands still."""
    METERS_DISAGREE = "meters_disagree"
    """The meters contradict each other, and none of the stories fits."""
    OWN_METER_CONTRADICTED = "own_meter_contradicted"
    """The device's own meter claims what an independent one rules out."""
    LATE = "late"
    """It came later than the settling time."""
    LOST = "lost"
    """It came, and went before the end."""
    STORE_FULL = "store_full"
    """The battery cannot take more."""
    STORE_EMPTY = "store_empty"
    """The battery cannot give more."""
    NOTHING_TO_DO = "nothing_to_do"
    """It was switched on and drew nothing, as it may."""
    WORKED = "worked"
    """Its plant worked at it, and did not get there."""
    OVERRULED = "overruled"
    """For a time the gateway's own loop told the device something else, and it is not known what,
    or no independent meter has lately agreed with the device's own."""
    ISLANDED = "islanded"
    """The site was an island: its batteries balance it, and its grid meter sees nothing."""
    MOVED = "moved"
    """It did what the gateway's own loop told it in place of what the command asks."""

    @classmethod
    def of(cls, text: str) -> "EffectReason":
        """Return a stored reason; NONE for one of a newer version beside this one."""
        try:
            return cls(text)
        except ValueError:
            return cls.NONE


class EffectBasis(StrEnum):
    """Which meter a verdict rests on."""

    NOTHING = ""
    OWN = "own"
    """The device's own: it can invent."""
    VOUCHED = "vouched"
    """The device's own, which an independent meter has lately agreed with."""
    METER = "meter"
    """Another device that measures the same asset."""
    GRID = "grid"
    """The step of the meter at the site's grid connection."""


class Standing(StrEnum):
    """What an independent meter last made of a device's own, lately."""

    UNTRIED = ""
    VOUCHED = "vouched"
    """It agreed: the own meter is believed where the site's is not clear."""
    CONTRADICTED = "contradicted"
    """It ruled out what the own meter claimed, which is believed no more until it agrees."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EffectVerdict:
    """What meters say of one command. Powers are into the asset positive [W].

    `asked_power_w` is what it asked for, `base_power_w` what there was before it and would have
    been without it, `metered_power_w` what the deciding meter saw of the asset; `step_power_w` and
    `noise_power_w` are the grid meter's step and one standard deviation of what its other loads
    do. `moved_power_w` is the mean of what the gateway's loop told it in place of what the command
    asks: the verdict is on that. `achieved_ratio`: how much of the way from base to asked was gone.
    `delay`: how much later than its acknowledgement it came, as energy. Of a temperature the same
    in °C, `metered_celsius` at the end, and of reactive power in var.
    """

    effect: Effect
    reason: EffectReason = EffectReason.NONE
    basis: EffectBasis = EffectBasis.NOTHING
    confidence_ratio: float = 0.0
    final: bool = False
    """Whether the command's range is over, so that it does not change any more."""
    time: datetime | None = None
    asked_power_w: float | None = None
    base_power_w: float | None = None
    metered_power_w: float | None = None
    step_power_w: float | None = None
    noise_power_w: float | None = None
    achieved_ratio: float | None = None
    delay: timedelta | None = None
    moved_power_w: float | None = None
    asked_var: float | None = None
    base_var: float | None = None
    metered_var: float | None = None
    asked_celsius: float | None = None
    base_celsius: float | None = None
    metered_celsius: float | None = None

    @property
    def independent(self) -> bool:
        """Whether a meter other than the device's own was there to see it."""
        return self.basis in (EffectBasis.METER, EffectBasis.GRID)

    @property
    def amiss(self) -> bool:
        """Whether somebody should look: it did not happen, and not for want of a store."""
        honest = (EffectReason.STORE_FULL, EffectReason.STORE_EMPTY)
        return self.effect in (Effect.NONE, Effect.CONTRARY) and self.reason not in honest


def standing_of(effect: str, reason: str) -> Standing:
    """Return what an independent verdict makes of the device's own meter, as it is stored."""
    if reason == EffectReason.OWN_METER_CONTRADICTED.value:
        return Standing.CONTRADICTED
    return Standing.VOUCHED if effect == Effect.CONFIRMED.value else Standing.UNTRIED


@dataclass(frozen=True, kw_only=True, slots=True)
class EffectRule:
    """How a verdict is found.

    `tolerance_ratio` of what was asked is how far a level may lie off, at least the read-back
    tolerance; `settling` how long after its acknowledgement a device may take; `least_intervals`
    how many readings a level needs.
    """

    tolerance_ratio: float = 0.1
    settling: timedelta = timedelta(seconds=10)
    least_intervals: int = 2
    vouching: timedelta = timedelta(days=1)
    """How long the agreement of an independent meter speaks for a device's own."""
    longest_grid_interval: timedelta = timedelta(minutes=5)
    """A grid meter that reports less often tells no device's step from what else a site does."""
