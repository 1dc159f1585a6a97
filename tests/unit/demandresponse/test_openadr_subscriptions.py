"""Subscriptions of strangers: read, or refused; nobody is called where nobody may be."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from wattmesh_demandresponse.domain.subscriptions import (
    Happened,
    call_backs,
    subscription_from_json,
)
from wattmesh_kernel.errors import InvalidArgument

HOSTS = ("*.example.org",)
GOOD: dict[str, Any] = {
    "programID": "street",
    "targets": ["home-1"],
    "objectOperations": [
        {
            "objects": ["EVENT"],
            "operations": ["POST", "DELETE"],
            "callbackUrl": "https://ven.example.org/told",
            "bearerToken": "word",
        }
    ],
}
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200)
@given(field=st.sampled_from([*GOOD, *GOOD["objectOperations"][0], ""]), value=anything)
def test_whatever_is_in_a_subscription_it_is_read_or_refused(field: str, value: Any) -> None:
    document = {**GOOD, field: value} if field in GOOD else dict(GOOD)
    if field in GOOD["objectOperations"][0]:
        document["objectOperations"] = [{**GOOD["objectOperations"][0], field: value}]
    try:
        found = subscription_from_json("s", "c", document, HOSTS)
    except InvalidArgument:
        return
    assert all(each.url.startswith(("https://", "http://")) for each in found.wanted)
    assert all(".example.org" in each.url for each in found.wanted)


def test_operations_are_told_in_the_words_they_were_asked_for_in() -> None:
    subscription = subscription_from_json("s", "c", GOOD, HOSTS)

    def told(**fields: Any) -> list[tuple[str, Any]]:
        given = {
            "kind": "EVENT",
            "operation": "CREATE",
            "document": {"id": "e"},
            "program_id": "street",
            "targets": ("home-1",),
        }
        happened = Happened(**{**given, **fields})
        return [(each.token, each.body["operation"]) for each in call_backs(subscription, happened)]

    assert told() == [("word", "POST")]
    for other in (
        {"operation": "UPDATE"},
        {"kind": "REPORT"},
        {"program_id": "elsewhere"},
        {"targets": ("home-2",)},
    ):
        assert told(**other) == []
