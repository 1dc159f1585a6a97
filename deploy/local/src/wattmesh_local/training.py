"""Training the forecast models of a run: before it, or beside it while forecasts are seasonal."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from wattmesh_kernel.clock import SystemClock
from wattmesh_local.running.job import run_job
from wattmesh_local.running.processes import ProcessPlan
from wattmesh_local.running.supervisor import Supervisor
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.sites import followed_site_model, watched_sites
from wattmesh_runtime.aio.tasks import together

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """Trains a model for generation, unless it was kept; that for load comes with forecast.

    The host of the models starts beside it: it takes seconds to load TensorFlow, and finds new
    models itself. `end` is when the history ends that is learned from.
    """

    plan: ProcessPlan
    supervisor: Supervisor
    logs: Path
    end: datetime

    async def __call__(self, targets: Mapping[str, str], clock: str, say: Say) -> None:
        """Start the model host and train; `say` hears how far it is. Error: ProcessError."""
        await together(
            self.supervisor.start(self.plan.model_host(clock)), self._train(targets, clock, say)
        )

    async def _train(self, targets: Mapping[str, str], clock: str, say: Say) -> None:
        async with (
            MeshClients(targets, self.plan.own_identity) as clients,
            followed_site_model(clients, SystemClock()) as site_model,
        ):
            sites = watched_sites(site_model.model, self.end)
        plants = [
            asset.name for site in sites for asset in site.generation if asset not in site.turbines
        ]
        if plants:
            await self._train_model("pv", plants, clock, _Progress(say))

    async def _train_model(
        self, model: str, assets: list[str], clock: str, progress: "_Progress"
    ) -> None:
        """Train one model in a job of its own, on one processor, behind everything else."""
        arguments = (model, "--end", self.end.isoformat(), "--assets", *assets)
        settings = {**self.plan.training_settings(), "training_threads": "1"}
        await run_job(
            f"train-{model}",
            ("-m", "wattmesh_forecast.train", *arguments, "--at-once"),
            self.plan.environment(clock=clock, **settings),
            self.logs / f"train-{model}.log",
            lambda line: progress.hear(model, line),
            niceness=10,
        )


class _Progress:
    """How far each model is, as one line."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._models: dict[str, str] = {}

    def hear(self, model: str, line: str) -> None:
        """Take in what a job printed."""
        news = json.loads(line)
        if "stage" in news:
            self._models[model] = f"{model} {news['progress_ratio']:.0%}"
            far = ", ".join(self._models.values())
            self._say(f"training forecast models ({far}); seasonal forecasts until then")
        if "refused" in news:
            self._say(f"the {model} model is not used: {news['refused']}")
