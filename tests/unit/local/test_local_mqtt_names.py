"""Accounts at the local broker: what is kept of them, and what their services are told."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tools.deployment_secrets import mosquitto_hash as hash_of_a_deployment
from wattmesh_kernel.errors import AlreadyExists, InvalidArgument, NotFound
from wattmesh_local.cli import app
from wattmesh_local.mqtt_broker.accounts import ACL, GATEWAY, TWIN, Accounts, Logins, mosquitto_hash
from wattmesh_local.mqtt_broker.doors import AccessLists, Doors, PasswordFile
from wattmesh_local.options import MeshOptions
from wattmesh_local.running.processes import SERVICES, Addresses, ProcessPlan, RunFolders
from wattmesh_local.running.state import MeshState

ROOT = Path(__file__).parents[3]


def doors_of(accounts: Accounts) -> Doors:
    rights = AccessLists(ACL, accounts.granted)
    return Doors(passwords=PasswordFile(accounts.passwords), rights=rights)


def plan_of(folder: Path, logins: Logins | None, **options: str | None) -> ProcessPlan:
    asked = MeshOptions(state_folder=folder, data_folder=folder, mqtt_url=options.get("mqtt_url"))
    folders = RunFolders(run=folder, models=folder, spool=folder)
    addresses = Addresses.choose(asked, "postgresql://here/db")
    return ProcessPlan(asked, folders, addresses, logins)


def test_the_local_mesh_has_the_access_list_of_a_deployment() -> None:
    assert ACL.read_text() == (ROOT / "deploy" / "mosquitto" / "acl").read_text()


def test_a_password_is_hashed_as_in_a_deployment(tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    coded = (hash_of_a_deployment("one"), mosquitto_hash("two"))
    file.write_text(f"a:{coded[0]}\nb:{coded[1]}\n")
    known = PasswordFile(file)
    assert known.admits("a", "one")
    assert known.admits("b", "two")
    assert not known.admits("b", "one")


def test_what_is_kept_is_its_owners_alone_and_holds_no_password(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "mqtt")
    logins = accounts.open((GATEWAY, TWIN))
    said = {accounts.allow("meter-1"), *logins.passwords.values()}
    assert len(said) == 3
    assert (tmp_path / "mqtt").stat().st_mode & 0o777 == 0o700
    for file in (tmp_path / "mqtt").iterdir():
        assert file.stat().st_mode & 0o777 == 0o600, file
        assert not any(password in file.read_text() for password in said)
    assert not any(password in repr(logins) for password in said)


def test_devices_stay_from_one_start_to_the_next_and_services_are_given_new_passwords(
    tmp_path: Path,
) -> None:
    accounts = Accounts(tmp_path)
    first = accounts.open((GATEWAY, TWIN)).passwords
    password = accounts.allow("charger", ("go-eCharger/1",))
    again = accounts.open((GATEWAY,)).passwords
    doors = doors_of(accounts)
    assert not doors.passwords.admits(GATEWAY, first[GATEWAY])
    assert doors.passwords.admits(GATEWAY, again[GATEWAY])
    assert not doors.passwords.knows(TWIN), "own devices need no twin"
    assert doors.passwords.admits("charger", password)
    assert doors.may("write", "charger", "go-eCharger/1/nrg")


def test_what_was_granted_is_taken_back_with_the_name(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    accounts.open((GATEWAY,))
    doors = doors_of(accounts)
    accounts.allow("one", ("a/b", "c"))
    accounts.allow("two", ("d",))
    assert doors.may("write", "one", "c/x")
    accounts.allow("one", ("e",), again=True)
    assert not doors.may("write", "one", "c/x")
    assert doors.may("read", "one", "e/x")
    accounts.forget("one")
    assert not doors.may("write", "one", "devices/one/x")
    assert doors.may("write", "two", "d/x")
    assert accounts.devices() == ["two"]
    accounts.allow("one")
    assert not doors.may("write", "one", "e/x")
    with pytest.raises(NotFound):
        accounts.forget(GATEWAY)


@pytest.mark.parametrize("name", ["gateway", "twin", "", "a/b", "+", "a:b", "a b", "-a", "x" * 65])
def test_a_name_that_is_a_services_or_means_more_is_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidArgument):
        Accounts(tmp_path).allow(name)


@pytest.mark.parametrize("topic", ["", "#", "a/+", "a b", "$SYS", "/a", "a\nuser gateway", "%u"])
def test_a_topic_that_means_more_is_not_granted(tmp_path: Path, topic: str) -> None:
    with pytest.raises(InvalidArgument):
        Accounts(tmp_path).allow("meter-1", (topic,))
    assert Accounts(tmp_path).devices() == []


def test_a_name_that_is_there_keeps_its_password_unless_another_is_asked_for(
    tmp_path: Path,
) -> None:
    accounts = Accounts(tmp_path)
    password = accounts.allow("meter-1")
    with pytest.raises(AlreadyExists):
        accounts.allow("meter-1")
    assert PasswordFile(accounts.passwords).admits("meter-1", password)


def test_devices_that_are_let_in_at_the_same_time_are_all_let_in(tmp_path: Path) -> None:
    names = [f"meter-{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: Accounts(tmp_path).allow(name, (name,)), names))
    accounts = Accounts(tmp_path)
    assert accounts.devices() == sorted(names)
    rights = AccessLists(accounts.granted)
    assert all(rights.may("write", name, f"{name}/x") for name in names)


def test_a_list_that_is_not_understood_opens_nothing_and_closes_nothing(tmp_path: Path) -> None:
    lists = tmp_path / "acl"
    lists.write_text("user a\ntopic write x/#\n")
    rights = AccessLists(lists)
    lists.write_text("user a\ntopic everything x/#\ntopic write y/#\n")
    assert rights.may("write", "a", "x/1")
    assert not rights.may("write", "a", "y/1")


def test_nobody_is_let_in_by_a_file_that_is_gone(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    password = accounts.allow("meter-1")
    known = PasswordFile(accounts.passwords)
    accounts.passwords.unlink()
    assert not known.admits("meter-1", password)


def test_passwords_are_said_to_the_gateway_and_the_twin_alone_and_on_no_command_line(
    tmp_path: Path,
) -> None:
    logins = Accounts(tmp_path / "mqtt").open((GATEWAY, TWIN))
    plan = plan_of(tmp_path, logins)
    for process in (plan.broker(), *plan.services(SERVICES, "system")):
        told = " ".join(process.environment.values())
        for name, password in logins.passwords.items():
            assert (password in told) == (process.name == name), (process.name, name)
            assert password not in " ".join(process.arguments)
    assert logins.passwords[TWIN] in plan.twin_settings()["mqtt_url"]


def test_the_broker_of_a_mesh_asks_who_comes_by_the_list_of_a_deployment(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "mqtt")
    arguments = plan_of(tmp_path, accounts.open((GATEWAY, TWIN))).broker().arguments
    assert arguments[arguments.index("--passwords") + 1] == str(accounts.passwords)
    assert arguments[arguments.index("--acl") + 1] == str(ACL)


def test_a_broker_that_is_given_is_spoken_to_as_its_url_says(tmp_path: Path) -> None:
    url = "mqtts://me:word@broker.example:8883"
    plan = plan_of(tmp_path, None, mqtt_url=url)
    for process in plan.services(("gateway", "twin"), "system"):
        assert process.environment["WATTMESH_MQTT_URL"] == url


def command(folder: Path, *arguments: str) -> tuple[int, str, str]:
    environment = {"WATTMESH_STATE": str(folder)}
    done = CliRunner().invoke(app, ["broker", *arguments], env=environment)
    return done.exit_code, done.stdout, done.stderr


def test_a_device_may_be_let_in_before_the_mesh_runs(tmp_path: Path) -> None:
    code, said, _ = command(tmp_path, "allow", "meter-1")
    assert code == 0
    accounts = Accounts(tmp_path / "live" / "mqtt")
    accounts.open((GATEWAY,))
    assert PasswordFile(accounts.passwords).admits("meter-1", said.strip())
    assert command(tmp_path, "list")[1].split() == ["meter-1"]


def test_where_the_broker_is_somebody_elses_nobody_is_let_in_here(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    theirs = {"pid": None, "mqtt_url": "mqtt://me:secret@there", "mqtt_accounts": None}
    MeshState(tmp_path).write(theirs)
    code, said, why = command(tmp_path, "allow", "meter-1")
    assert (code, said) == (1, "")
    assert "WATTMESH_MQTT_URL" in why
    assert "secret" not in why
