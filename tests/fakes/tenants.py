"""Who is known to a server: people of several tenants, each by an API key of their name."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from wattmesh_runtime.access.principals import digest

Metadata = tuple[tuple[str, str], ...]


def shown(name: str) -> Metadata:
    """What a call shows that somebody of a name makes."""
    return (("authorization", f"Bearer wm_{name}"),)


def write_people(
    file: Path, people: Mapping[str, tuple[str, str]], tenants: Mapping[str, list[str]]
) -> Path:
    """Write the file: by name the tenant and role of each, who may act in any name; sites."""
    ends = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    names = {name: f"tenants/{tenant}/principals/{name}" for name, (tenant, _) in people.items()}
    document = {
        "tenants": [
            {"name": f"tenants/{tenant}", "sites": sites} for tenant, sites in tenants.items()
        ],
        "principals": [
            {
                "name": names[name],
                "role_bindings": [{"role": f"ROLE_KIND_{role}"}],
                "owners": ["-"],
            }
            for name, (_, role) in people.items()
        ],
        "api_keys": [
            {"principal": names[name], "sha256": digest(f"wm_{name}"), "expire_time": ends}
            for name in people
        ],
    }
    file.write_text(json.dumps(document))
    return file
