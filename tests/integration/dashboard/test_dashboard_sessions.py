"""Whose browser it is, on a machine of one's own: a session in the address, then in a cookie."""

import json
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path

import pytest

from tests.fakes.dashboard_world import LIVE, Browser, DashboardWorld, dashboard_world
from wattmesh_local.identities.folder import local_identities
from wattmesh_local.identities.sessions import SESSION, session_address
from wattmesh_runtime.access.principals import KEY_PREFIX

PAGE = b"<!doctype html><title>Wattmesh</title>"
HOLD = "/wattmesh.control.v1.OperatorService/PlaceHold"
PRICES = "/wattmesh.dashboard.v1.DashboardService/QueryPrices"


@pytest.fixture
def identities(tmp_path: Path) -> Path:
    local_identities(tmp_path / "identities", "ada")
    return tmp_path / "identities"


@pytest.fixture
async def world(
    database_url: str, tmp_path: Path, identities: Path
) -> AsyncIterator[DashboardWorld]:
    bundle = tmp_path / "bundle"
    (bundle / "assets").mkdir(parents=True)
    (bundle / "index.html").write_bytes(PAGE)
    (bundle / "assets" / "app.js").write_bytes(b"console.log(1)")
    async with dashboard_world(database_url, bundle, identities / SESSION) as world:
        yield world


async def asked(browser: Browser, **headers: str) -> list[int]:
    """Return the status of everything that can be asked for."""
    stream = bytes(5)
    answers = [
        await browser.get("/plan/home-1", **headers),
        await browser.post(HOLD, b"", **headers),
        await browser.post(PRICES, b"", **headers),
        await browser.post(LIVE, stream, "application/connect+proto", **headers),
    ]
    return [each.status for each in answers]


async def test_nothing_is_told_to_a_browser_without_the_session(world: DashboardWorld) -> None:
    port = world.browser.address.rpartition(":")[2]
    assert await asked(world.browser) == [401] * 4
    assert await asked(world.browser, cookie=f"wattmesh-{port}=guessed") == [401] * 4
    assert await asked(world.browser, authorization="Bearer me") == [401] * 4
    assert world.peers.placed == []
    turned_away = await world.browser.get("/?session=guessed")
    assert turned_away.status == 401
    assert b"wattmesh up" in turned_away.body, "it says what to do"
    assert "set-cookie" not in turned_away.headers
    assert (await world.browser.get("/assets/app.js")).status == 200


async def test_whoever_runs_the_mesh_acts_from_the_browser_as_themselves(
    world: DashboardWorld, identities: Path
) -> None:
    address = session_address(world.browser.address, identities)
    first = await world.browser.get(address.removeprefix(f"http://{world.browser.address}"))
    assert (first.status, first.body) == (200, PAGE)
    (given,) = SimpleCookie(first.headers["set-cookie"]).values()
    assert given["httponly"]
    assert given["samesite"] == "lax"

    cookie = f"{given.key}={given.value}"
    assert (await world.browser.get("/plan/home-1", cookie=cookie)).status == 200
    assert (await world.browser.post(HOLD, b"", cookie=cookie)).status == 200

    key = json.loads((identities / SESSION).read_text())["api_key"]
    assert key.startswith(KEY_PREFIX)
    assert world.peers.metadata["authorization"] == f"Bearer {key}"
    assert key != given.value, "the browser never has the key itself"
