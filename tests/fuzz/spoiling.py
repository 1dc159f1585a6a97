"""Valid messages with a few things in them spoiled: they reach what nonsense would not."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

from tests.fakes.proto_strategies import anything
from tests.fuzz.values import values

Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]

MOST_SPOTS = 3
_LOOKED_INTO = 3
"""Messages of a list whose fields are spoiled."""
_MANY = (2, 50, 1_000)
_VERY_MANY = 25_000


@st.composite
def spoiled(draw: Draw, seeds: Sequence[Message], words: Sequence[str]) -> Message:
    """Return a strategy of copies of a seed, with up to three of its parts replaced."""
    seed = draw(st.sampled_from(seeds))
    message: Message = type(seed)()
    message.CopyFrom(seed)
    for _ in range(draw(st.integers(0, MOST_SPOTS))):
        spots = list(_spots(message))
        if spots:
            owner, field = draw(st.sampled_from(spots))
            _spoil(draw, owner, field, words)
    return message


def _spots(message: Message) -> Iterator[tuple[Message, Any]]:
    """Yield the fields of a message and of the messages in it."""
    for field in message.DESCRIPTOR.fields:
        yield message, field
    for field, value in message.ListFields():
        if field.message_type is None or _is_map(field):
            continue
        for part in value[:_LOOKED_INTO] if field.is_repeated else (value,):
            yield from _spots(part)


def _spoil(draw: Draw, owner: Message, field: FieldDescriptor, words: Sequence[str]) -> None:
    if _is_map(field):
        _spoil_map(draw, getattr(owner, field.name), field, words)
    elif field.is_repeated and field.message_type is not None:
        _spoil_messages(draw, getattr(owner, field.name), field)
    elif field.is_repeated:
        _spoil_values(draw, getattr(owner, field.name), field, words)
    elif field.message_type is not None:
        _spoil_message(draw, owner, field)
    else:
        setattr(owner, field.name, draw(values(field, words)))


def _spoil_message(draw: Draw, owner: Message, field: FieldDescriptor) -> None:
    way = draw(st.sampled_from(("anything", "anything", "empty", "gone")))
    owner.ClearField(field.name)
    if way == "anything":
        getattr(owner, field.name).CopyFrom(draw(anything(_class(field))))
    elif way == "empty":
        getattr(owner, field.name).SetInParent()


def _spoil_messages(draw: Draw, parts: Any, field: FieldDescriptor) -> None:
    way = draw(st.sampled_from(("anything", "twice", "dropped", "gone", "many")))
    if way == "anything":
        parts.add().CopyFrom(draw(anything(_class(field))))
    elif way == "gone":
        del parts[:]
    elif parts and way == "dropped":
        del parts[draw(st.integers(0, len(parts) - 1))]
    elif parts and way == "twice":
        parts.add().CopyFrom(parts[draw(st.integers(0, len(parts) - 1))])
    elif parts:
        parts.extend([parts[0]] * draw(st.sampled_from(_MANY)))


def _spoil_values(draw: Draw, numbers: Any, field: FieldDescriptor, words: Sequence[str]) -> None:
    way = draw(st.sampled_from(("one", "one", "more", "cut", "gone", "many")))
    value = draw(values(field, words))
    if way == "gone":
        del numbers[:]
    elif way == "cut":
        del numbers[len(numbers) // 2 :]
    elif way == "one" and numbers:
        numbers[draw(st.integers(0, len(numbers) - 1))] = value
    elif way == "many" and not (isinstance(value, (str, bytes)) and len(value) > 1_000):
        numbers.extend([value] * draw(st.sampled_from((*_MANY, _VERY_MANY))))
    else:
        numbers.append(value)


def _spoil_map(draw: Draw, entries: Any, field: FieldDescriptor, words: Sequence[str]) -> None:
    assert field.message_type is not None
    key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
    name = draw(st.sampled_from(list(entries))) if entries and draw(st.booleans()) else None
    name = draw(values(key, words)) if name is None else name
    if value.message_type is not None:
        entries[name].CopyFrom(draw(anything(_class(value))))
    else:
        entries[name] = draw(values(value, words))


def _class(field: FieldDescriptor) -> type[Message]:
    assert field.message_type is not None
    return GetMessageClass(field.message_type)


def _is_map(field: FieldDescriptor) -> bool:
    kind = field.message_type
    return bool(kind is not None and kind.GetOptions().map_entry)
