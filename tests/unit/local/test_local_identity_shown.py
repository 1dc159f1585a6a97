"""Every command that speaks to a mesh shows who it is, where the mesh lets nobody else in."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from wattmesh_kernel.errors import WattmeshError
from wattmesh_local.accounts_desk import accounts_desk
from wattmesh_local.alerts import alert_desk
from wattmesh_local.forecasting.desk import forecast_desk
from wattmesh_local.islands import island_record
from wattmesh_local.operating import operator

SERVICES = (
    *("metering", "forecast", "carbon", "control", "planner", "gateway", "usage"),
    *("analytics", "alerting", "demandresponse"),
)


@pytest.mark.parametrize(
    "opened", [accounts_desk, alert_desk, forecast_desk, island_record, operator]
)
async def test_a_command_shows_the_identity_that_the_mesh_names(
    tmp_path: Path, opened: Callable[..., Any]
) -> None:
    """Its certificate is not there, which is told: in plaintext nobody would have looked for it."""
    state = {
        "targets": dict.fromkeys(SERVICES, "127.0.0.1:1"),
        "clock": "system",
        "identity": str(tmp_path / "nobody"),
    }
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mesh.json").write_text(json.dumps(state))

    with pytest.raises((WattmeshError, OSError), match="nobody"):
        async with opened(tmp_path, Console()):
            pass
