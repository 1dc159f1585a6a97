"""An API server of Kubernetes with one kind of resource: list, watch, patch, events, finalizers.

Patches, generations and finalizers are as API servers have them: who says what `status` is, changes
nothing else, and whoever changes `spec` changes the generation.
"""

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import jsonpatch
from aiohttp import web

Body = dict[str, Any]

GROUP, VERSION, PLURAL = "wattmesh.io", "v1alpha1", "sites"
NAMESPACE = "wattmesh"
_FOLDER = f"/apis/{GROUP}/{VERSION}/namespaces/{NAMESPACE}/{PLURAL}"
_RESOURCES: dict[str, list[tuple[str, str, bool]]] = {
    "/api/v1": [("namespaces", "Namespace", False), ("events", "Event", True)],
    "/apis/apiextensions.k8s.io/v1": [
        ("customresourcedefinitions", "CustomResourceDefinition", False)
    ],
    f"/apis/{GROUP}/{VERSION}": [(PLURAL, "Site", True), (f"{PLURAL}/status", "Site", True)],
}


class KubernetesApi:
    """What is there, and who watches it."""

    def __init__(self) -> None:
        self.sites: dict[str, Body] = {}
        self.events: list[Body] = []
        self.asked: set[tuple[str, str]] = set()
        """Method and path of every request."""
        self._version = 100
        self._watchers: set[asyncio.Queue[Body]] = set()

    def apply(self, name: str, spec: Body) -> None:
        """Have a resource say this, as `kubectl apply` does."""
        old = self.sites.get(name)
        meta: Body = {"name": name, "namespace": NAMESPACE, "uid": f"uid-{name}", "generation": 0}
        body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Site", "metadata": meta}
        new = {**copy.deepcopy(old or body), "spec": copy.deepcopy(spec)}
        self._keep("ADDED" if old is None else "MODIFIED", new)

    def delete(self, name: str) -> None:
        """Have a resource go, once nobody holds it any more."""
        body = copy.deepcopy(self.sites[name])
        body["metadata"]["deletionTimestamp"] = "2030-01-01T00:00:00Z"
        self._keep("MODIFIED", body)

    def ready(self, name: str) -> tuple[str, str]:
        """What the condition of a resource says, and of which generation; blanks: nothing yet."""
        for each in self.sites[name].get("status", {}).get("conditions", []):
            if each["observedGeneration"] == self.sites[name]["metadata"]["generation"]:
                return each["status"], each["reason"]
        return "", ""

    def told(self, name: str) -> list[tuple[str, str, str]]:
        """Type, reason and message of every event about a resource."""
        return [
            (each["type"], each["reason"], each["message"])
            for each in self.events
            if each["involvedObject"]["name"] == name
        ]

    def _keep(self, kind: str, body: Body) -> None:
        meta, old = body["metadata"], self.sites.get(body["metadata"]["name"], {})
        self._version += 1
        meta["resourceVersion"] = str(self._version)
        meta["generation"] += body.get("spec") != old.get("spec")
        self.sites[meta["name"]] = body
        if "deletionTimestamp" in meta and not meta.get("finalizers"):
            kind = "DELETED"
            del self.sites[meta["name"]]
        for queue in self._watchers:
            queue.put_nowait({"type": kind, "object": copy.deepcopy(body)})

    def routes(self) -> Iterator[web.RouteDef]:
        yield web.get("/api", self._answer({"versions": ["v1"]}))
        yield web.get("/apis", self._answer({"groups": [*_groups()]}))
        for path, resources in _RESOURCES.items():
            yield web.get(path, self._answer({"resources": [*map(_resource, resources)]}))
        yield web.get(_FOLDER, self._list)
        yield web.patch(f"{_FOLDER}/{{name}}", self._patch)
        yield web.patch(f"{_FOLDER}/{{name}}/status", self._patch)
        yield web.post(f"/api/v1/namespaces/{NAMESPACE}/events", self._post_event)

    @staticmethod
    def _answer(content: Body) -> Any:
        async def answer(request: web.Request) -> web.Response:
            return web.json_response(content)

        return answer

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("watch") != "true":
            version = {"resourceVersion": str(self._version)}
            return web.json_response({"items": [*self.sites.values()], "metadata": version})
        queue: asyncio.Queue[Body] = asyncio.Queue()
        since = int(request.query.get("resourceVersion", "0"))
        for each in self.sites.values():
            if int(each["metadata"]["resourceVersion"]) > since:
                queue.put_nowait({"type": "ADDED", "object": copy.deepcopy(each)})
        self._watchers.add(queue)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        try:
            while True:
                await response.write(json.dumps(await queue.get()).encode() + b"\n")
        finally:
            self._watchers.discard(queue)

    async def _patch(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self.sites:
            return web.json_response({"code": 404, "reason": "NotFound"}, status=404)
        old, patch = self.sites[name], await request.json()
        if request.content_type == "application/json-patch+json":
            try:
                new = jsonpatch.apply_patch(old, patch)
            except jsonpatch.JsonPatchException:
                return web.json_response({"code": 422, "reason": "Invalid"}, status=422)
        else:
            new = _merged(old, patch)
        if request.path.endswith("/status"):
            new = {**copy.deepcopy(old), "status": new.get("status", {})}
        elif "status" in old:
            new["status"] = copy.deepcopy(old["status"])
        self._keep("MODIFIED", new)
        return web.json_response(new)

    async def _post_event(self, request: web.Request) -> web.Response:
        self.events.append(await request.json())
        return web.json_response({}, status=201)


def _groups() -> Iterator[Body]:
    for path in _RESOURCES:
        if path.startswith("/apis/"):
            group, version = path.split("/")[2:]
            named = {"groupVersion": f"{group}/{version}", "version": version}
            yield {"name": group, "versions": [named], "preferredVersion": named}


def _resource(named: tuple[str, str, bool]) -> Body:
    name, kind, namespaced = named
    verbs = ["create", "get", "list", "patch", "watch"]
    return {
        "name": name,
        "singularName": kind.lower(),
        "kind": kind,
        "namespaced": namespaced,
        "verbs": verbs,
    }


def _merged(old: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    new = copy.deepcopy(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            new.pop(key, None)
        else:
            new[key] = _merged(new.get(key), value)
    return new


@asynccontextmanager
async def kubernetes_api() -> AsyncIterator[tuple[KubernetesApi, str]]:
    """Serve one; give it and its URL."""
    api = KubernetesApi()

    @web.middleware
    async def note(request: web.Request, handler: Any) -> web.StreamResponse:
        api.asked.add((request.method, request.path))
        response: web.StreamResponse = await handler(request)
        return response

    application = web.Application(middlewares=[note])
    application.add_routes([*api.routes()])
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield api, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
