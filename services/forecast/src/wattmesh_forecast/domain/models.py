"""Versions of models, and what is known of them."""

from dataclasses import dataclass
from datetime import datetime

from wattmesh_forecast.domain.kinds import Kind
from wattmesh_kernel.time import TimeRange


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelVersion:
    """A trained version `version` of model `model`.

    The errors are those on the held-out end of the history; the version itself has learnt from
    that end too. `fingerprint` is the digest of everything that went into it.
    """

    model: str
    version: int
    kind: Kind
    train_time: datetime
    train_range: TimeRange
    holdout_wape_ratio: float
    holdout_seasonal_wape_ratio: float
    holdout_naive_wape_ratio: float
    fingerprint: str

    @property
    def name(self) -> str:
        """`models/{model}/versions/{version}`."""
        return f"models/{self.model}/versions/{self.version}"
