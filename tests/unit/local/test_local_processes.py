"""Which processes a run has, where they answer, and what they are told."""

from pathlib import Path

from wattmesh_local.options import MeshOptions
from wattmesh_local.running.processes import Addresses, ProcessPlan, RunFolders


def plan_of(folder: Path, **replicas: int) -> tuple[Addresses, ProcessPlan]:
    options = MeshOptions(state_folder=folder, data_folder=folder, replicas=replicas)
    addresses = Addresses.choose(options, "postgresql://here/db")
    folders = RunFolders(run=folder / "run", models=folder / "models", spool=folder / "run")
    return addresses, ProcessPlan(options, folders, addresses)


def test_one_process_of_a_service_is_reached_at_its_own_address(tmp_path: Path) -> None:
    addresses, plan = plan_of(tmp_path)

    (planner,) = plan.services(["planner"], "system")

    assert planner.target == addresses.processes["planner"] == addresses.targets["planner"]


def test_calls_are_spread_over_all_processes_of_a_service(tmp_path: Path) -> None:
    addresses, plan = plan_of(tmp_path, control=2)

    one, two = plan.services(["control"], "system")
    (gateway,) = plan.services(["gateway"], "system")

    assert [one.name, two.name] == ["control", "control-2"]
    assert one.arguments == two.arguments == ("-m", "wattmesh_control")
    assert gateway.environment["WATTMESH_CONTROL_TARGET"] == f"ipv4:{one.target},{two.target}"
    assert addresses.processes["control-2"] == two.target


def test_every_process_keeps_the_site_model_in_a_file_of_its_own(tmp_path: Path) -> None:
    _, plan = plan_of(tmp_path, planner=2)

    processes = plan.services(["forecast", "planner"], "system")
    files = [each.environment["WATTMESH_SITE_MODEL_FILE"] for each in processes]

    assert len(set(files)) == 3
    assert all(Path(file).parent == tmp_path / "run" for file in files)


def test_browsers_find_the_dashboard_where_the_run_says_it_is(tmp_path: Path) -> None:
    addresses, plan = plan_of(tmp_path)

    (dashboard,) = plan.services(["dashboard"], "system")

    assert dashboard.environment["WATTMESH_WEB_ADDRESS"] == addresses.web
    assert addresses.web not in addresses.processes.values()
    assert dashboard.environment["WATTMESH_PLANNER_TARGET"] == addresses.targets["planner"]
