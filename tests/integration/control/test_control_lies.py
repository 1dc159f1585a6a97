"""A sample of `make bench-control`: devices that lie, through the whole of control."""

from tests.bench.control.homes import CLASSES
from tests.bench.control.lies import measure_lies

_SAMPLE = {"nothing", "sign", "phantom", "honest", "late_20s", "forgets_on_reboot"}
_COMMANDS = 4


async def test_no_lie_is_confirmed_and_the_verdicts_are_right(database_url: str) -> None:
    classes = tuple(each for each in CLASSES if each.name in _SAMPLE)
    found = await measure_lies(database_url, _COMMANDS, classes)
    assert found.keys() == _SAMPLE
    for name, result in found.items():
        assert result["commands"] == _COMMANDS, name
        assert result["false_confirmed"] == 0, (name, result)
        unclear = sum(
            count for said, count in result["verdicts"].items() if said.startswith("unknown")
        )
        wrong = sum(result["wrong"].values())
        assert wrong <= unclear <= 1, (name, result)
