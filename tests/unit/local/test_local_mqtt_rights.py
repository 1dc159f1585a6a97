"""Access lists and password files of Mosquitto, as the local broker reads them."""

from pathlib import Path

import pytest

from tools.deployment_secrets import mosquitto_hash
from wattmesh_local.mqtt_broker.doors import PasswordFile
from wattmesh_local.mqtt_broker.rights import Rights, covers

LIST = """
# a comment
user gateway
topic readwrite #

user twin
topic write meters/#

pattern write devices/%u/#
pattern read commands/%u/#
"""


@pytest.mark.parametrize(
    ("wide", "topic", "is_covered"),
    [
        ("#", "a/b", True),
        ("#", "$SYS/broker", False),
        ("a/#", "a", True),
        ("a/#", "a/b/c", True),
        ("a/#", "a/+/c", True),
        ("a/+", "a/b", True),
        ("a/+", "a/b/c", False),
        ("a/+", "a/#", False),
        ("a/+", "a/+", True),
        ("a/b", "a/+", False),
        ("a/b", "a", False),
        ("a", "a/b", False),
    ],
)
def test_a_filter_covers_topics_and_narrower_filters(
    wide: str, topic: str, is_covered: bool
) -> None:
    assert covers(wide, topic) == is_covered


def test_a_name_has_its_rules_and_the_patterns() -> None:
    rights = Rights.parse(LIST)
    assert rights.may("read", "gateway", "#")
    assert rights.may("write", "twin", "meters/home-1/telegram")
    assert not rights.may("read", "twin", "meters/home-1/telegram")
    assert rights.may("write", "meter-1", "devices/meter-1/telegram")
    assert not rights.may("write", "meter-1", "devices/meter-2/telegram")
    assert not rights.may("write", "meter-1", "commands/meter-1/set")
    assert not rights.may("read", "", "commands//set")


@pytest.mark.parametrize("name", ["+", "#", "a/b"])
def test_a_name_that_means_more_has_nobodys_topics(name: str) -> None:
    assert not Rights.parse(LIST).may("write", name, f"devices/{name}/telegram")


@pytest.mark.parametrize(
    "line", ["topic read a/#", "user a\ntopic deny a/#", "pattern read clients/%c/#", "topic a/#"]
)
def test_what_is_not_understood_opens_nothing(line: str) -> None:
    with pytest.raises(ValueError, match="not understood"):
        Rights.parse(line)


def test_a_password_file_counts_as_it_is_now(tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    file.write_text(f"meter-1:{mosquitto_hash('word')}\nbroken:$7$x$y$z\n")
    known = PasswordFile(file)
    assert known.admits("meter-1", "word")
    assert not known.admits("meter-1", "other")
    assert not known.admits("broken", "")
    file.write_text("")
    assert not known.admits("meter-1", "word")
