"""What one call sends: sound, spoiled, anything of its type, or bytes that are nothing."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from google.protobuf.message import Message
from hypothesis import strategies as st

from tests.fakes.proto_strategies import anything
from tests.fuzz.methods import Method
from tests.fuzz.spoiling import Draw, spoiled

Seed: TypeAlias = tuple[Message, ...]
"""What a call sends when it is to succeed: one message, or those of a stream."""
Seeds: TypeAlias = Mapping[str, Sequence[Seed]]
"""By the path of a method."""
Contents: TypeAlias = tuple[bytes, ...]

_MALFORMED = (
    *(b"\xff\xff", b"\x00", b"\x0a\xff\xff\xff\xff\x0f", b"\x0b" * 5_000, b"\x0a\x02\xff\xfe"),
    *(
        b"\x08" + b"\xff" * 12,
        b"\x0b\x0c" * 200,
        b"\xfa\xff\xff\xff\x0f\x01a",
        b"\x0a\x04" * 20_000,
    ),
)
"""No message of any type, or one with a text that is none, or with what nobody knows."""


def contents(
    method: Method, seeds: Sequence[Seed], words: Sequence[str]
) -> st.SearchStrategy[Contents]:
    """Return a strategy of what a call of the method sends."""
    if method.takes_many:
        return _streams(method.request, seeds, words)
    single = [each[0] for each in seeds]
    return _messages(method.request, single, words).map(lambda content: (content,))


def metadata() -> st.SearchStrategy[tuple[tuple[str, str], ...]]:
    """Return a strategy of what goes with a call: mostly nothing."""
    return st.sampled_from(
        (
            *[()] * 12,
            (("x-request-id", "a" * 4_000),),
            (("traceparent", "00-zz-zz-01"), ("tracestate", "=,=")),
            (("x-request-id", "%s"), ("baggage", "a=" + "b" * 2_000)),
        )
    )


def _messages(
    kind: type[Message], seeds: Sequence[Message], words: Sequence[str]
) -> st.SearchStrategy[bytes]:
    whole = anything(kind)
    if seeds:
        sound = spoiled(seeds, words)
        whole = st.one_of(sound, sound, sound, whole)
    sent = whole.map(lambda message: message.SerializePartialToString())
    return st.one_of(*[sent] * 9, _broken(sent))


@st.composite
def _broken(draw: Draw, sent: st.SearchStrategy[bytes]) -> bytes:
    content = bytearray(draw(sent))
    way = draw(st.sampled_from(("flipped", "cut", "malformed", "random")))
    if way == "flipped" and content:
        content[draw(st.integers(0, len(content) - 1))] ^= draw(st.integers(1, 255))
    elif way == "cut" and content:
        del content[draw(st.integers(0, len(content) - 1)) :]
    elif way == "malformed":
        content += draw(st.sampled_from(_MALFORMED))
    else:
        content += draw(st.binary(min_size=1, max_size=40))
    return bytes(content)


@st.composite
def _streams(
    draw: Draw, kind: type[Message], seeds: Sequence[Seed], words: Sequence[str]
) -> Contents:
    """Return the messages of a seed, one of them spoiled, perhaps in disorder."""
    seed = draw(st.sampled_from(seeds)) if seeds else ()
    sent = [message.SerializeToString() for message in seed]
    place = draw(st.integers(0, len(sent)))
    whole: Any = [seed[place]] if place < len(seed) else [message for s in seeds for message in s]
    spoil = draw(_messages(kind, whole, words))
    sent[place : place + 1] = [spoil]
    if draw(st.integers(0, 9)) == 0:
        sent.reverse()
    return tuple(sent)
