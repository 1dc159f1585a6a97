"""Builds what gives verdicts and reads the record from plan to meter."""

from wattmesh_control.adapters.postgres_effects import PostgresEffectArchive
from wattmesh_control.adapters.postgres_events import PostgresEventArchive
from wattmesh_control.adapters.postgres_moves import PostgresMoveArchive
from wattmesh_control.adapters.postgres_transitions import PostgresTransitionArchive
from wattmesh_control.api.execution_servicer import ExecutionUseCases
from wattmesh_control.app.announce import Announce
from wattmesh_control.app.devices import Devices
from wattmesh_control.app.effect_ports import PowerMeter
from wattmesh_control.app.follow_up import FollowUpEffects
from wattmesh_control.app.gather_evidence import GatherEvidence
from wattmesh_control.app.judge_effects import JudgeEffects
from wattmesh_control.app.ports import CommandArchive, Observations, Store
from wattmesh_control.app.read_events import EventBroadcast, ReadEvents
from wattmesh_control.app.read_execution import ReadExecution
from wattmesh_control.app.shards import Shards
from wattmesh_control.app.unit_of_work import UnitOfWork
from wattmesh_control.settings import ControlSettings
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import Unavailable
from wattmesh_runtime.database import Database
from wattmesh_runtime.readiness import Dependency

_PROBE_SECONDS = 5.0
_MOST_NAMED = 3


class EffectParts:
    """What gives verdicts, says whether devices obey, and reads what became of plans."""

    def __init__(self, settings: ControlSettings, clock: Clock, database: Database) -> None:
        self._settings = settings
        self._clock = clock
        self._archive = PostgresEffectArchive(database)
        self._transitions = PostgresTransitionArchive(database)
        self._moves = PostgresMoveArchive(database)
        self.events = PostgresEventArchive(database)

    @property
    def dependency(self) -> Dependency:
        """Devices that do what they are told; control is degraded while some do not."""
        return Dependency(
            name="effects",
            probe=self._probe,
            without="devices do not do what they are told",
            every_seconds=_PROBE_SECONDS,
        )

    def use_cases(self, commands: CommandArchive, broadcast: EventBroadcast) -> ExecutionUseCases:
        """Return what ExecutionService offers."""
        return ExecutionUseCases(
            read_execution=ReadExecution(commands, self.events, self._moves),
            read_events=ReadEvents(self.events, self._transitions, broadcast),
        )

    def judge(
        self,
        *,
        devices: Devices,
        meter: PowerMeter,
        store: Store,
        unit_of_work: UnitOfWork,
        announce: Announce,
        observations: Observations,
        shards: Shards,
    ) -> JudgeEffects:
        """Return what gives verdicts."""
        rule = self._settings.effect_rule
        return JudgeEffects(
            clock=self._clock,
            archive=self._archive,
            gather=GatherEvidence(
                devices=devices, meter=meter, archive=self._archive, moves=self._moves, rule=rule
            ),
            announce=announce,
            observations=observations,
            shards=shards,
            rule=rule,
            rhythm=self._settings.judge_rhythm,
            follow_up=FollowUpEffects(
                clock=self._clock,
                archive=self._archive,
                store=store,
                unit_of_work=unit_of_work,
                devices=devices,
                policy=self._settings.effect_policy,
            ),
        )

    async def _probe(self) -> None:
        amiss = await self._archive.amiss(self._clock.now() - self._settings.judge_rhythm.patience)
        if amiss:
            named = [f"{each.name} ({amiss[each]})" for each in sorted(amiss)[:_MOST_NAMED]]
            more = len(amiss) - len(named)
            words = ", ".join(named) + (f" and {more} more" if more else "")
            raise Unavailable("DEPENDENCY_UNAVAILABLE", f"by their meters: {words}")
