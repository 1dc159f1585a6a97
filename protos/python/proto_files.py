"""Puts the .proto files into a wheel, beside the code that is generated from them."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ProtoFiles(BuildHookInterface[Any]):
    """Hatchling's hook for wheels; where the code is used from its folder, nothing is copied."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files, unless the wheel is an editable one."""
        if version == "standard":
            contracts = Path(self.root).parent / "wattmesh"
            build_data["force_include"][str(contracts)] = "wattmesh"
