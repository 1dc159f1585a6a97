"""What waits of devices on MQTT is bounded, whoever floods."""

from dataclasses import dataclass

from wattmesh_gateway.drivers.mqtt.waiting import WaitingMessages


@dataclass(frozen=True)
class Said:
    """A message of a topic."""

    topic_name: str
    number: int
    again: bool = False
    size: int = 10


class World:
    """A queue of 20 messages and 1,000 bytes, 5 of a topic, and what was dropped."""

    def __init__(self) -> None:
        self.dropped: list[str] = []
        self.queue: WaitingMessages[Said] = WaitingMessages(
            self.dropped.append, most=20, most_bytes=1_000, most_of_a_topic=5
        )

    def put(self, *said: Said) -> None:
        """Have messages wait."""
        for each in said:
            self.queue.put_nowait(each)

    def taken(self) -> list[Said]:
        """Take all that wait."""
        return [self.queue.get_nowait() for _ in range(self.queue.qsize())]


def test_of_a_topic_the_newest_stay_in_their_order() -> None:
    world = World()
    world.put(*(Said("flood", number) for number in range(10_000)))
    assert world.taken() == [Said("flood", number) for number in range(9_995, 10_000)]
    assert len(world.dropped) == 9_995


def test_a_flood_on_many_topics_leaves_messages_with_a_promise() -> None:
    world = World()
    promised = [Said("meter", number, again=True) for number in range(20)]
    world.put(*promised[:10])
    world.put(*(Said(f"flood-{number}", number) for number in range(500)))
    world.put(*promised[10:])
    assert world.taken() == promised
    assert len(world.dropped) == 500
    assert not world.queue.refused


def test_a_promise_without_room_is_left_with_the_broker_and_said() -> None:
    world = World()
    world.put(*(Said("meter", number, again=True) for number in range(25)))
    assert [each.number for each in world.taken()] == list(range(20))
    assert world.queue.refused
    assert world.dropped == []


def test_bytes_are_bounded_too_but_one_long_message_waits_alone() -> None:
    world = World()
    world.put(*(Said(f"t{number}", number, size=400) for number in range(5)))
    assert [each.number for each in world.taken()] == [3, 4]
    long = Said("long", 1, again=True, size=5_000)
    world.put(long, Said("t", 2))
    assert world.taken() == [long]
    world.put(Said("t", 3))
    assert world.taken() == [Said("t", 3)]
