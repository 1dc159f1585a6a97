"""Follows the resources `Site` of a namespace, and tells how each of them went.

Kopf has a thread and an event loop of its own: it takes over signals where it may, and ends
whatever else it finds in its loop. What is asked of the use cases runs in the process's own loop.
"""

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import kopf

from wattmesh_kernel.clock import Clock
from wattmesh_siteoperator.app.reconcile import ReconcileSite, RemoveSite
from wattmesh_siteoperator.domain.outcome import Outcome, Registered, Unreachable
from wattmesh_siteoperator.domain.status import REGISTERED, is_news, status_of, told

GROUP, VERSION, PLURAL, KIND = "wattmesh.io", "v1alpha1", "sites", "Site"
SECTIONS = ("tariffs", "assets", "devices")
DELETE, RETAIN = "Delete", "Retain"
"""What becomes of a site whose resource is deleted."""
_IDENTITY: Any = "siteoperator"
"""How Kopf calls itself. Unless told it asks who runs the process, and in a pod that is a number
without a name, for which it ended."""
_STOP_SECONDS = 1.5
_UNDER_WAY_SECONDS = 1.0
"""How often a resource that goes is looked at while a look at it is still under way [s]."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Following:
    """Whose resources are followed, where, and how often they are looked at."""

    namespace: str
    api: str | None
    look_again: timedelta
    try_again: timedelta


class KubernetesOperator:
    """Runs for as long as the process does."""

    def __init__(
        self, reconcile: ReconcileSite, remove: RemoveSite, following: Following, clock: Clock
    ) -> None:
        self._reconcile = reconcile
        self._remove = remove
        self._following = following
        self._clock = clock
        self._turn = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop

    async def run(self) -> None:
        """Follow resources until cancelled. Error: whatever ended Kopf."""
        self._loop = asyncio.get_running_loop()
        stop = threading.Event()
        following = asyncio.ensure_future(asyncio.to_thread(self._follow, stop))
        try:
            await asyncio.shield(following)
        finally:
            stop.set()
            await asyncio.wait({following}, timeout=_STOP_SECONDS)
        raise RuntimeError("resources are followed no more, and nobody said to stop")

    def _follow(self, stop: threading.Event) -> None:
        asyncio.run(
            kopf.operator(
                registry=self._registry(),
                settings=_settings(),
                namespaces=[self._following.namespace],
                standalone=True,  # one pod of a StatefulSet: there is never another
                identity=_IDENTITY,
                stop_flag=stop,
            )
        )

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        resource: Any = (GROUP, VERSION, PLURAL)
        every = self._following.look_again.total_seconds()
        kopf.on.login(registry=registry)(self._login)
        for on in (kopf.on.resume, kopf.on.create, kopf.on.update):
            on(*resource, registry=registry, id="register")(self._register)
        kopf.on.timer(
            *resource, registry=registry, id="look-again", interval=every, initial_delay=every
        )(self._register)
        kopf.on.delete(*resource, registry=registry, id="end")(self._end)
        return registry

    def _login(self, **given: Any) -> kopf.ConnectionInfo | None:
        if self._following.api is not None:
            return kopf.ConnectionInfo(server=self._following.api)
        return kopf.login_with_service_account(**given)

    async def _register(
        self, *, name: str, spec: Mapping[str, Any], meta: Mapping[str, Any], **given: Any
    ) -> None:
        wanted, generation = wanted_of(name, spec), int(meta["generation"])
        outcome = await self._of_the_process(
            self._reconcile(wanted, prune=bool(spec.get("prune", False)))
        )
        if int(meta["generation"]) != generation:
            return  # a timer's view moves on: whoever was called for the change tells of it
        self._tell(outcome, generation, **given)
        if isinstance(outcome, Unreachable):
            raise self._later(outcome.message)

    async def _end(
        self,
        *,
        name: str,
        spec: Mapping[str, Any],
        meta: Mapping[str, Any],
        body: Any,
        **given: Any,
    ) -> None:
        if spec.get("deletionPolicy", RETAIN) != DELETE:
            kopf.info(body, reason="Retained", message=f"sites/{name} stays as it is")
            return
        outcome = await self._of_the_process(self._remove(f"sites/{name}"))
        if not isinstance(outcome, Registered):
            self._tell(outcome, int(meta["generation"]), body=body, **given)
            raise self._later(outcome.message)

    async def _of_the_process(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it in the process's own loop, where its channels are, one resource at a time."""

        async def in_turn() -> T:
            async with self._turn:
                return await work

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(in_turn(), self._loop))

    def _tell(
        self,
        outcome: Outcome,
        generation: int,
        *,
        status: Mapping[str, Any],
        body: Any,
        patch: Any,
        **_: Any,
    ) -> None:
        said = status_of(outcome, generation, status, self._clock.now())
        patch.status.update({key: each for key, each in said.items() if status.get(key) != each})
        if not is_news(outcome, status):
            return
        done = told(outcome.changes)
        if isinstance(outcome, Registered):
            kopf.info(body, reason=REGISTERED, message=done or "as it says already")
            return
        after = f" (after: {done})" if done else ""
        kopf.warn(body, reason=outcome.reason, message=f"{outcome.message}{after}")

    def _later(self, message: str) -> kopf.TemporaryError:
        return kopf.TemporaryError(message, delay=self._following.try_again.total_seconds())


def wanted_of(name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a resource says, as a site's file says it: the resource's name is the site's."""
    site = {"id": name, **dict(spec.get("site") or {})}
    return {"site": site, **{key: spec[key] for key in SECTIONS if spec.get(key)}}


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True  # of this namespace and this kind alone: no right to more
    settings.background.cancellation_polling = _UNDER_WAY_SECONDS
    settings.persistence.finalizer = f"{GROUP}/site"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=GROUP)
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(
        prefix=GROUP, key="last-registered"
    )
    return settings
