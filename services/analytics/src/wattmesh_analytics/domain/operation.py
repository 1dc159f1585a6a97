"""A scenario that runs, or has run."""

from dataclasses import dataclass, replace
from datetime import datetime

from wattmesh_analytics.domain.scenario import Scenario, ScenarioResult


@dataclass(frozen=True, kw_only=True, slots=True)
class ScenarioRun:
    """How far a scenario is; it is done when it has a result or an error."""

    name: str
    request_id: str
    scenario: Scenario
    start_time: datetime
    progress_ratio: float = 0.0
    stage: str = "waiting"
    result: ScenarioResult | None = None
    error: str = ""

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self.result is not None or bool(self.error)

    def at(self, progress_ratio: float, stage: str) -> "ScenarioRun":
        """Return it further on."""
        return replace(self, progress_ratio=progress_ratio, stage=stage)

    def finished(self, result: ScenarioResult) -> "ScenarioRun":
        """Return it with its result."""
        return replace(self, progress_ratio=1.0, stage="done", result=result)

    def failed(self, error: str) -> "ScenarioRun":
        """Return it with what went wrong."""
        return replace(self, stage="failed", error=error)
