from typing import Any

from grimp import ImportGraph

from tools.import_rules import ConfinedContract, OnlyContract


def graph(*imports: tuple[str, str]) -> ImportGraph:
    made = ImportGraph()
    for importer, imported in imports:
        made.add_import(importer=importer, imported=imported)
    return made


def wrong(kind: type[Any], imports: ImportGraph, **options: list[str]) -> list[str]:
    contract = kind("a contract", {}, options)
    return list(contract.check(imports, verbose=False).metadata["wrong"])


def only(*imports: tuple[str, str]) -> list[str]:
    return wrong(OnlyContract, graph(*imports), importers=["w_*.domain"], allowed=["numpy", "w_k"])


def confined(*imports: tuple[str, str]) -> list[str]:
    return wrong(
        ConfinedContract, graph(*imports), modules=["grpc", "grpc_*"], importers=["w_*.api"]
    )


def test_a_domain_may_import_itself_its_package_what_is_allowed_and_the_standard_library() -> None:
    assert not only(
        ("w_a.domain.x", "w_a.domain.y"),
        ("w_a.domain.x", "w_a"),
        ("w_a.domain.x", "w_k.time"),
        ("w_a.domain", "numpy"),
        ("w_a.domain", "dataclasses"),
        ("w_a.adapters.db", "psycopg"),
    )


def test_a_domain_that_imports_anything_else_is_found() -> None:
    assert only(
        ("w_a.domain.x", "psycopg"),
        ("w_a.domain.x", "w_a.app.ports"),
        ("w_a.domain.x", "w_b.domain"),
    ) == [
        "w_a.domain.x imports psycopg",
        "w_a.domain.x imports w_a.app.ports",
        "w_a.domain.x imports w_b.domain",
    ]


def test_a_confined_module_is_found_outside_of_its_rooms() -> None:
    assert not confined(("w_a.api.servicer", "grpc"), ("w_a.app.x", "logging"))
    assert confined(("w_a.app.x", "grpc_status")) == ["w_a.app.x imports grpc_status"]
