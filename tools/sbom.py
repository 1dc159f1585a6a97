"""Prints what Wattmesh is made of, as a CycloneDX 1.6 bill of materials (JSON).

    python tools/sbom.py > sbom.json

Every distribution of requirements.lock with its version and hashes, and with its licence where it
is installed. Whoever looks for known faults gives the file to a scanner. Standard library only.
"""

import json
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

LOCK = Path(__file__).resolve().parent.parent / "requirements.lock"

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def bill(text: str) -> dict[str, Any]:
    """Return the bill of materials of a lock."""
    starts = [*_PINNED.finditer(text)]
    ends = [*(match.start() for match in starts[1:]), len(text)]
    components = [
        _component(match.group(1), match.group(2), text[match.start() : end])
        for match, end in zip(starts, ends, strict=True)
    ]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "wattmesh"}},
        "components": components,
    }


def _component(name: str, version: str, block: str) -> dict[str, Any]:
    purl = f"pkg:pypi/{name.lower()}@{version}"
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "properties": [
            {"name": "wattmesh:sha256", "value": value} for value in _HASH.findall(block)
        ],
    }
    licence = _licence(name)
    if licence:
        found["licenses"] = [{"license": {"name": licence}}]
    return found


def _licence(name: str) -> str:
    """Return what an installed distribution says of its licence, in one line; empty: nothing."""
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    fields = ("License-Expression", "License")
    said = next((about[field] for field in fields if field in about), "")
    lines = said.strip().splitlines()
    if lines and len(lines[0]) <= 100:
        return lines[0]
    classes = about.get_all("Classifier") or []
    named = [each.rpartition(" :: ")[2] for each in classes if each.startswith("License ::")]
    return ", ".join(named)


if __name__ == "__main__":
    json.dump(bill(LOCK.read_text()), sys.stdout, indent=1)
    print()
