"""What the application needs from outside."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from wattmesh_forecast.domain.forecast import Forecast
from wattmesh_forecast.domain.hours import Floats, Sun
from wattmesh_forecast.domain.labels import Labels, Step
from wattmesh_forecast.domain.model_input import Float32s, ModelInput
from wattmesh_forecast.domain.models import ModelVersion
from wattmesh_forecast.domain.outcome import Outcome
from wattmesh_forecast.domain.subjects import Location, Subject
from wattmesh_forecast.domain.training import Training, TrainingOrder
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange


class ModelUnavailable(Exception):
    """The model cannot be asked now: its server is away, or does not have it."""


class NotServed(ModelUnavailable):
    """The server is there, and does not have the model or that version of it."""


class BadAnswer(Exception):
    """The model answered with something else than quantiles for every row."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Answer:
    """What a model version said: quantiles over the scale, shape (n, 3), at DEFAULT_RATIOS."""

    version: int
    quantiles: Float32s


class ModelServer(Protocol):
    """TensorFlow Serving, or what speaks like it."""

    async def predict(self, model: str, asked: ModelInput, version: int | None = None) -> Answer:
        """Ask a version; ModelUnavailable when there is no answer soon, BadAnswer.

        Without a number it is the stable one, or the newest where none is labelled.
        """

    async def available_versions(self, model: str) -> frozenset[int]:
        """Return the versions that are served; ModelUnavailable when the server is away."""

    def is_away(self, model: str) -> bool:
        """Return whether it is known that the model cannot be asked now."""


class ModelRegistry(Protocol):
    """The trained versions, served or not."""

    def versions(self) -> Sequence[ModelVersion]:
        """Return what is known of every version, by name."""


class VersionLabels(Protocol):
    """Which version answers whom."""

    def labels(self, model: str) -> Labels | None:
        """Return the labels of a model's versions; None when it has none."""


class ModelShelf(ModelRegistry, VersionLabels, Protocol):
    """The trained versions, of which one can be taken out of service, and another be on trial."""

    def take_back(self, model: str) -> ModelVersion | None:
        """Take the stable version out of service, for the one before; None when there is none."""

    def move(self, model: str, step: Step, now: datetime) -> None:
        """Let a step of its trial become of the candidate."""


class History(Protocol):
    """Metered power."""

    async def power_w(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> Mapping[AssetId, Series]:
        """Return mean power per interval [W], positive into the asset, NaN where not metered."""


class Sky(Protocol):
    """Where the sun stands."""

    def suns(self, locations: Collection[Location], hours: TimeRange) -> Mapping[Location, Sun]:
        """Return the sun of each place over every hour that starts in `hours`."""


class Modules(Protocol):
    """What of the sun reaches a plant's modules."""

    def effective_w_m2(
        self, subject: Subject, start: datetime, sun: Sun, ghi: Floats, celsius: Floats
    ) -> Floats:
        """Return irradiance on the modules, less what their warmth costs [W/m²], (n,).

        `ghi` is global horizontal irradiance [W/m²], `celsius` the air's temperature [°C], by the
        hour from `start` on; NaN where nothing is known.
        """


class Calendar(Protocol):
    """Which days people have off."""

    def days(self, zone: ZoneInfo, span: TimeRange) -> frozenset[date]:
        """Return the public holidays of a zone's country in every year that a range touches."""


class ForecastStore(Protocol):
    """The issued forecasts."""

    async def add(self, forecasts: Sequence[Forecast]) -> None:
        """Store forecasts, all or none."""

    async def get(self, name: str) -> Forecast:
        """Return a forecast; NotFound."""

    async def page(
        self, asset: AssetId, issued: TimeRange | None, before: "Position | None", size: int
    ) -> Sequence[Forecast]:
        """Return forecasts of an asset, newest first, beginning after a position."""

    def issued_in(self, assets: Sequence[AssetId], issued: TimeRange) -> AsyncIterator[Forecast]:
        """Iterate over forecasts issued in a range, oldest first."""


class Observations(Protocol):
    """Who counts what goes on."""

    def answered(self, outcomes: Sequence[Outcome]) -> None:
        """Forecasts were issued, or not."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where a page ended: the last forecast's issue time and name."""

    issue_time: datetime
    name: str


class TrainingStore(Protocol):
    """The trainings that were asked for."""

    async def begin(self, training: Training) -> Training:
        """Store a new training; return the one stored before when its request id is known."""

    async def save(self, training: Training) -> None:
        """Store how far a training is."""

    async def get(self, name: str) -> Training:
        """Return a training; NotFound."""

    async def page(self, after: str, size: int) -> Sequence[Training]:
        """Return trainings, newest first, beginning after the one of a name, "" for the newest.

        InvalidArgument when there is none of that name.
        """

    async def delete(self, name: str) -> None:
        """Forget a training."""

    async def fail_running(self, error: str) -> None:
        """Mark every running training as failed: those of a process that is gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """A sign of life of a training job."""

    stage: str
    ratio: float


class Trainer(Protocol):
    """Runs training jobs in processes of their own."""

    def train(self, order: TrainingOrder) -> AsyncIterator[Progress | ModelVersion]:
        """Run a job: its progress, at last the version; FailedPrecondition when it fails."""
