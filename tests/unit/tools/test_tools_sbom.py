"""The bill of materials: all that is locked, and under which licence."""

from tools.sbom import LOCK, bill

SILENT = {"colorama", "httpx2-jsfetch", "namex", "openleadr", "pywin32", "tensorflow"}
"""Not for this platform, or without a word in their metadata."""


def test_everything_locked_is_on_the_bill_with_its_hashes() -> None:
    text = LOCK.read_text()
    components = bill(text)["components"]
    locked = [line for line in text.splitlines() if line and line[0].isalnum()]
    assert len(components) == len(locked) > 100
    assert sum(len(each["properties"]) for each in components) == text.count("--hash=sha256:")
    grpc = next(each for each in components if each["name"] == "grpcio")
    assert grpc["purl"] == f"pkg:pypi/grpcio@{grpc['version']}"


def test_nothing_that_is_installed_hides_its_licence() -> None:
    components = bill(LOCK.read_text())["components"]
    assert {each["name"] for each in components if "licenses" not in each} <= SILENT
