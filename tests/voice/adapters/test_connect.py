"""Amazon Connect beyond the five calls: transfers, call-backs, lost and odd events."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.calls.fold import fold
from madoguchi.voice.adapters.connect import read
from madoguchi.voice.events import EventError

from . import recorded
from .recorded import NOW, json_values

pytestmark = pytest.mark.req("CALL-08")
SENT = [json.loads(line) for line in recorded.lines("connect.jsonl")]


def sent(kind: str, **detail: Any) -> dict[str, Any]:
    base = {"eventType": kind, "contactId": "c1", "channel": "VOICE", "initiationMethod": "INBOUND", "initiationTimestamp": "2026-11-25T01:00:00.000Z"}
    return {"detail-type": "Amazon Connect Contact Event", "time": "2026-11-25T01:05:00Z", "detail": {**base, **detail}}


def test_the_calling_back_is_a_call_of_its_own() -> None:
    (back,) = (call for call in fold(recorded.amazon()).values() if call.direction == "back")
    assert (back.ref, back.callback_ref, back.outcome, back.talk_seconds) == ("contact-back", "contact-callback", "answered", 90)


def test_one_event_of_two_may_be_lost() -> None:
    """Later events carry the times of earlier ones: only the last of each call makes the same call."""
    last = [event for event in SENT if event["detail"]["eventType"] == "DISCONNECTED"]
    alone = [event for one in last for event in read(one, now=NOW).events]
    whole = recorded.folded(list(recorded.amazon()))
    for name, call in recorded.folded(alone).items():
        assert (call.outcome, call.talk_seconds) == (whole[name].outcome, whole[name].talk_seconds)


def test_a_transfer_is_the_same_call() -> None:
    agent = {"agentArn": "arn/agent/op2", "connectedToAgentTimestamp": "2026-11-25T01:01:00.000Z"}
    second = sent("CONNECTED_TO_AGENT", contactId="c2", initialContactId="c1", initiationMethod="TRANSFER", agentInfo=agent)
    assert [(e.kind, e.call) for e in read(second, now=NOW).events] == [("answered", "c1"), ("transferred", "c1")]
    moved = sent("CONNECTED_TO_AGENT", contactId="c2", initialContactId="c1", initiationMethod="QUEUE_TRANSFER", agentInfo=agent)
    assert [e.kind for e in read(moved, now=NOW).events] == ["answered"]


def test_a_time_that_is_not_known_is_none() -> None:
    """As the documentation's own sample has it."""
    never = {"agentArn": "arn/agent/op1", "connectedToAgentTimestamp": "1970-01-01T00:00:00.001Z"}
    assert [e.kind for e in read(sent("CONTACT_DATA_UPDATED", AgentInfo=never), now=NOW).events] == ["offered"]


@pytest.mark.parametrize(("change", "name"), [
    ({"channel": "CHAT"}, "channel CHAT"), ({"eventType": "NEW_KIND"}, "NEW_KIND"), ({"initiationMethod": "OUTBOUND"}, "initiationMethod OUTBOUND"),
])  # fmt: skip
def test_what_is_none_of_ours_is_passed_over(change: dict[str, str], name: str) -> None:
    assert read(sent("INITIATED", **change), now=NOW).ignored == (name,)
    assert read({"detail-type": "Something else", "detail": 1}, now=NOW).ignored == ("detail-type Something else",)


@pytest.mark.parametrize(("change", "says"), [
    ({"contactId": None}, "detail.contactId: "), ({"eventType": 1.5}, "eventtype: "), ({"initiationTimestamp": "soon"}, "detail.initiationtimestamp: "),
    ({"initiationTimestamp": None}, "detail.initiationTimestamp: "), ({"queueInfo": []}, "detail.queueinfo: "),
    ({"initiationTimestamp": "2026-11-25T01:00:00"}, "no zone"), ({"eventType": "DISCONNECTED"}, "detail.disconnectTimestamp: "),
])  # fmt: skip
def test_what_is_broken_is_named(change: dict[str, Any], says: str) -> None:
    with pytest.raises(EventError, match=says):
        read(sent("INITIATED", **change), now=NOW)


@given(st.sampled_from(SENT), st.dictionaries(st.sampled_from(sorted({key for one in SENT for key in one["detail"]})), json_values))
def test_anything_gives_events_or_a_reason(envelope: dict[str, Any], change: dict[str, Any]) -> None:
    try:
        for event in read({**envelope, "detail": {**envelope["detail"], **change}}, now=NOW).events:
            event.line().encode()
    except EventError as error:
        assert ": " in str(error)
