"""One run of the whole mesh: prepared, started on a simulated clock, ended without a trace."""

import asyncio
import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

from wattmesh_kernel.clock import ScaledClock, SystemClock, format_clock_spec
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.time import local_day
from wattmesh_local.identities.folder import local_identities
from wattmesh_local.identities.models import vouch_for_models
from wattmesh_local.mqtt_broker.accounts import GATEWAY, TWIN, Accounts, Logins
from wattmesh_local.options import MeshOptions
from wattmesh_local.postgres import EmbeddedPostgres
from wattmesh_local.running.alone import alone_in
from wattmesh_local.running.database import database_process
from wattmesh_local.running.job import run_job
from wattmesh_local.running.pacing import Pacing, Plans
from wattmesh_local.running.process import ProcessError, ProcessEvent
from wattmesh_local.running.processes import Addresses, ProcessPlan, RunFolders
from wattmesh_local.running.state import MeshState
from wattmesh_local.running.supervisor import Supervisor
from wattmesh_local.site_facts import SiteFacts, facts_from_json, local_zone
from wattmesh_local.training import Training
from wattmesh_runtime.aio.tasks import BackgroundTasks
from wattmesh_runtime.clocks import GatedClock, Pace, gated_clock_spec, open_gate

WARM_UP = timedelta(hours=2)
"""Simulated time before the start: devices report, so that the first plan knows their state."""
_TOGETHER = timedelta(seconds=0.5)
"""When the clock of the run begins to move, after the last service has started [wall]."""
_NEVER = timedelta(days=365)
_KEPT_DATABASES = 3
_LOOK_AT_IDENTITIES_SECONDS = 3600.0
_LIVE_DATABASE = "live"
_LISTENERS = (
    *("metering", "carbon", "optimizer", "usage", "control", "demandresponse", "forecast"),
    *("gateway", "analytics", "alerting", "dashboard"),
)
"""What serves before anything acts by itself."""


class Mesh:
    """Owns a run. Enter to start everything, leave to end everything.

    `say` is told what is being done; `tell` hears of processes that die and are restarted.
    """

    def __init__(
        self,
        options: MeshOptions,
        *,
        say: Callable[[str], None],
        tell: Callable[[ProcessEvent], None],
    ) -> None:
        self.options = options
        self._say = say
        self._tell = tell
        self._stack = AsyncExitStack()
        self._state = MeshState(options.state_folder)
        self._serving = False
        models = hashlib.sha256(f"{options.data_folder}|{options.homes}".encode()).hexdigest()[:12]
        run, live = options.state_folder / "run", options.state_folder / "live"
        self.folders = RunFolders(
            run=run,
            models=live / "models" if options.live else options.state_folder / "models" / models,
            spool=live if options.live else run,
            identities=options.state_folder / "identities" if options.identities else None,
        )

    zone: ZoneInfo
    """By which times are shown."""
    facts: SiteFacts
    addresses: Addresses
    supervisor: Supervisor
    clock: GatedClock | SystemClock
    start: datetime
    training: Training
    doing: str = ""
    """What goes on beside the run, in words; empty: nothing."""
    waiting: str = ""
    """What time waits for, in words; empty: it does not."""
    _day: date
    _pace: Pace
    _clock_spec: str = "system"

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except asyncio.CancelledError:
            self._say("stopping")
            await self._stack.aclose()
            raise
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._say("stopping")
        self._serving = False
        self._state.remove()
        await self._stack.aclose()

    async def _start(self) -> None:
        self._stack.enter_context(alone_in(self.options.state_folder))
        self._empty_run_folder()
        if self.folders.identities is not None:
            local_identities(self.folders.identities)
            vouch_for_models(self.folders.identities, self._models())
            background = await self._stack.enter_async_context(BackgroundTasks())
            background.start(self._keep_issued(self.folders.identities), name="identities")
        self._say("starting PostgreSQL and the MQTT broker")
        database_url = await self._database_url()
        self.addresses = Addresses.choose(self.options, database_url)
        plan = ProcessPlan(self.options, self.folders, self.addresses, self._logins())
        if self.options.mqtt_url is None:
            await self.supervisor.start([plan.broker()])
        if self.options.live:
            await self._run_live(plan)
        else:
            await self._run_simulation(plan)
        self._serving = True
        self._write_state()
        self._say(f"dashboard: {self.folders.page_at(self.addresses.web)}")

    def _logins(self) -> Logins | None:
        """Make this run's accounts at its own broker; None: it asks nobody, or is somebody's."""
        if not self._has_accounts:
            return None
        services = (GATEWAY,) if self.options.live else (GATEWAY, TWIN)
        return Accounts(self.folders.accounts).open(services)

    @property
    def _has_accounts(self) -> bool:
        return self.options.identities and self.options.mqtt_url is None

    def _models(self) -> list[Path]:
        """Return where models of this and earlier runs lie."""
        state = self.options.state_folder
        return [state / "live" / "models", *(state / "models").glob("*")]

    async def _keep_issued(self, folder: Path) -> None:
        """Issue anew what is nearly over, for as long as the mesh runs."""
        while True:
            await asyncio.sleep(_LOOK_AT_IDENTITIES_SECONDS)
            try:
                await asyncio.to_thread(local_identities, folder)
            except (OSError, WattmeshError) as error:  # ten days are left to try again in
                self._on_event(ProcessEvent(name="identities", text=f"not renewed: {error}"))

    async def _run_live(self, plan: ProcessPlan) -> None:
        """Start every service on the machine's clock, for devices that are there already."""
        self._say("starting the services")
        self.clock, self.zone = SystemClock(), local_zone()
        self.start = local_day(self.clock.now().astimezone(self.zone).date(), self.zone).start
        await self.supervisor.start(plan.services((*_LISTENERS, "modelhost"), "system"))
        await self.supervisor.start(plan.services(("planner",), "system"))
        self._say(
            f"MQTT: {self.addresses.mqtt_url}; SiteService: {self.addresses.targets['metering']}"
        )
        if self._has_accounts:
            known = len(Accounts(self.folders.accounts).devices())
            self._say(f"{known} devices may speak on MQTT; `wattmesh broker allow NAME` adds one")

    async def _run_simulation(self, plan: ProcessPlan) -> None:
        self.facts = await self._describe(plan)
        self.zone = self.facts.zone
        self._day = self.facts.choose_start(self.options.start, self.options.days, WARM_UP)
        self.start = self.day_after(0)
        await self._prepare(plan)
        await self._run(plan)

    def day_after(self, days: int) -> datetime:
        """Return when the local day begins that is `days` after the first."""
        return local_day(self._day + timedelta(days=days), self.facts.zone).start

    async def _prepare(self, plan: ProcessPlan) -> None:
        """Register the sites and load their history, at a time that stands still."""
        frozen = _standing_clock(self.start - WARM_UP)
        self._say("registering the sites and loading their metered history")
        await self.supervisor.start(plan.services(("metering", "carbon"), frozen))
        await self._job("provision", "wattmesh_twin.provision", plan.twin_settings(), plan, frozen)
        self.training = Training(
            plan=plan, supervisor=self.supervisor, logs=self.folders.logs, end=self.start - WARM_UP
        )
        if not self.options.train_beside:
            self._say("training the forecast models on what was metered (kept for the next run)")
            await self.training(self.addresses.targets, frozen, self._say)
        await self.supervisor.stop(["metering", "carbon"])

    async def _train_beside(self) -> None:
        """Train while the run goes on: until then, forecasts are seasonal."""
        try:
            await self.training(
                self.addresses.targets, _standing_clock(self.start - WARM_UP), self._note
            )
        except (ProcessError, WattmeshError) as error:
            self._on_event(ProcessEvent(name="training", text=f"failed: {error}"))
        self._note("")
        self._write_state()

    def _note(self, text: str) -> None:
        self.doing = text

    async def _run(self, plan: ProcessPlan) -> None:
        """Start every service on the clock of the run, which moves when all of them serve."""
        self._say("starting the services")
        start = self.start - WARM_UP
        gate = self._gate
        spec = gated_clock_spec(start, gate, self.options.rate)
        await self.supervisor.start(plan.services(_LISTENERS, spec))
        # The devices last: what a meter publishes before the gateway listens reaches nobody.
        await self.supervisor.start(plan.services(("twin", "planner"), spec))
        self.clock, self._clock_spec = GatedClock(start, gate, self.options.rate), spec
        self._pace = Pace(start, datetime.now(UTC) + _TOGETHER, self.options.rate)
        open_gate(gate, self._pace)
        if self.options.train_beside:
            background = await self._stack.enter_async_context(BackgroundTasks())
            background.start(self._train_beside(), name="training")

    @property
    def _gate(self) -> Path:
        """The file by which the clock of the run moves."""
        return self.folders.run / "clock"

    def pacing(self, plans: Plans) -> Pacing | None:
        """Return what drives the clock of the run; None where it is the machine's."""
        if not isinstance(self.clock, GatedClock):
            return None
        return Pacing(
            gate=self._gate,
            clock=self.clock,
            pace=self._pace,
            plans=plans,
            first=self.start,
            lead=self.options.lead,
            tell=self._wait_for,
            adapts=self.options.paced,
        )

    def _wait_for(self, text: str) -> None:
        self.waiting = text

    async def _job(
        self,
        name: str,
        module: str,
        settings: dict[str, str],
        plan: ProcessPlan,
        clock: str,
        *arguments: str,
        hear: Callable[[str], None] | None = None,
    ) -> str:
        environment = plan.environment(clock=clock, **settings)
        log_file = self.folders.logs / f"{name}.log"
        return await run_job(name, ("-m", module, *arguments), environment, log_file, hear)

    async def _describe(self, plan: ProcessPlan) -> SiteFacts:
        clock = _standing_clock(datetime.now(UTC))
        text = await self._job(
            "describe", "wattmesh_twin.describe", plan.twin_settings(), plan, clock
        )
        return facts_from_json(text)

    def _on_event(self, event: ProcessEvent) -> None:
        self._tell(event)
        if self._serving:
            self._write_state()

    def _write_state(self) -> None:
        """Write down where everything runs, for `wattmesh status` and for tests."""
        own = self.folders.own_identity
        state: dict[str, Any] = {
            "pid": os.getpid(),
            "clock": self._clock_spec,
            "start": self.start.isoformat(),
            "database_url": self.addresses.database_url,
            "mqtt_url": self.addresses.mqtt_url,
            "mqtt_accounts": str(self.folders.accounts) if self._has_accounts else None,
            "targets": self.addresses.targets,
            "processes": self.addresses.processes,
            "web": self.addresses.web,
            "pids": {name: each.pid for name, each in self.supervisor.processes.items()},
            "ledger": str(self.folders.ledger),
            "identity": own if own is None else str(own),
        }
        self._state.write(state)
        if self.addresses.metrics:
            self._state.write_metrics(self.addresses.metrics)

    def _empty_run_folder(self) -> None:
        shutil.rmtree(self.folders.run, ignore_errors=True)
        self.folders.run.mkdir(parents=True)
        for kept in (self.folders.models, self.folders.spool):
            kept.mkdir(parents=True, exist_ok=True)
        for ours in (self.folders.run, self.folders.spool):
            ours.chmod(0o700)  # what is metered, and where all of it answers

    async def _database_url(self) -> str:
        """Start the supervisor, and return a database: that of the options, or one of our own."""
        server = EmbeddedPostgres(self.options.state_folder / "postgres")
        self._stack.callback(server.clear)
        self.supervisor = await self._stack.enter_async_context(
            Supervisor(self.folders.logs, self._on_event)
        )
        if self.options.database_url is not None:
            return self.options.database_url
        await self.supervisor.start([database_process(server.prepare())])
        if self.options.live:
            return server.create_database(_LIVE_DATABASE)
        _drop_old_databases(server)
        return server.create_database(f"run_{datetime.now(UTC):%Y%m%d_%H%M%S}")


def _standing_clock(moment: datetime) -> str:
    """Return the clock of what happens before the run: it stands."""
    return format_clock_spec(ScaledClock(moment, datetime.now(UTC) + _NEVER, 1.0))


def _drop_old_databases(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        found = connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE 'run\\_%' ORDER BY datname DESC"
        ).fetchall()
        for (name,) in found[_KEPT_DATABASES - 1 :]:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )
