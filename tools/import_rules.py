"""Two contract types for import-linter, for rooms that may or may not exist yet.

Both take module names in which `*` stands for any part of a name, as in `wattmesh_*.domain`.
"""

import sys
from fnmatch import fnmatchcase
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class _DirectImports(Contract):
    """Checks every direct import; subclasses say which are wrong."""

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Collect the imports that break the contract."""
        wrong = [
            f"{importer} imports {imported}"
            for importer in sorted(graph.modules)
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if self.is_wrong(importer, imported)
        ]
        return ContractCheck(kept=not wrong, metadata={"wrong": wrong})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print the imports that break the contract."""
        for line in check.metadata["wrong"]:
            output.print_error(line)

    def is_wrong(self, importer: str, imported: str) -> bool:
        """Say whether this import breaks the contract."""
        raise AssertionError("each contract type decides")


class OnlyContract(_DirectImports):
    """`importers` import nothing but themselves (and the packages around them), `allowed` modules
    and the standard library.
    """

    importers: Any = fields.SetField(subfield=fields.StringField())
    allowed: Any = fields.SetField(subfield=fields.StringField())

    def is_wrong(self, importer: str, imported: str) -> bool:
        """Say whether a restricted module imports something that is not on its list."""
        room = _room(importer, self.importers)
        return (
            room is not None
            and not _inside(imported, room)
            and not _inside(room, imported)
            and _room(imported, self.allowed) is None
            and imported.partition(".")[0] not in sys.stdlib_module_names
        )


class ConfinedContract(_DirectImports):
    """`modules` are imported by nobody but `importers`."""

    modules: Any = fields.SetField(subfield=fields.StringField())
    importers: Any = fields.SetField(subfield=fields.StringField())

    def is_wrong(self, importer: str, imported: str) -> bool:
        """Say whether a confined module is imported from elsewhere."""
        return _room(imported, self.modules) is not None and _room(importer, self.importers) is None


def _room(module: str, patterns: set[str]) -> str | None:
    """Return the module or the package around it that one of the patterns names."""
    parts = module.split(".")
    packages = (".".join(parts[:length]) for length in range(1, len(parts) + 1))
    return next(
        (name for name in packages if any(fnmatchcase(name, pattern) for pattern in patterns)),
        None,
    )


def _inside(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
