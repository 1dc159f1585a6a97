import contextlib
from pathlib import Path

from tools.bootstrap import ROOT, environment_source, packages, step, works


def test_a_step_runs_again_only_when_its_source_has_changed(tmp_path: Path) -> None:
    runs: list[str] = []
    for source in ("a", "a", "b"):
        step(tmp_path / "stamp", source, lambda: runs.append("run"))
    assert len(runs) == 2


def test_a_step_that_was_interrupted_runs_again(tmp_path: Path) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        step(tmp_path / "stamp", "a", interrupted)
    runs: list[str] = []
    step(tmp_path / "stamp", "a", lambda: runs.append("run"))
    assert runs == ["run"]


def test_every_distribution_is_found_by_its_name() -> None:
    assert {"wattmesh-kernel", "wattmesh-gateway", "wattmesh-local", "wattmesh-protos"} <= {
        name for name, _ in packages()
    }


def test_an_environment_of_another_folder_is_not_taken_for_ours() -> None:
    assert environment_source().startswith(f"{ROOT}\n")


def test_a_program_that_is_missing_or_of_another_version_does_not_work() -> None:
    assert works("python3", "--version", says="Python 3")
    assert not works("python3", "--version", says="Python 2")
    assert not works("no-such-program")
