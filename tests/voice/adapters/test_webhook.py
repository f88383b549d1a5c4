"""The signed webhook and the CTI sender: what is believed, what is refused with key and reason, what is passed over."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.voice.adapters import phone, short, webhook
from madoguchi.voice.adapters.webhook import SignatureError, is_from, read, read_cti, sign, verify
from madoguchi.voice.events import CallEvent, EventError

from .recorded import NOW, json_values

pytestmark = pytest.mark.req("CALL-08")
KEY, OLD = b"k" * 32, b"o" * 32
EVENT = {"provider": "pbx", "call": "1", "kind": "offered", "at": "2026-11-25T10:00:00+09:00", "caller": "+819011112222"}
CTI = {"event": "newCall", "from": "09011112222", "to": "0120000000", "direction": "in", "callId": "7"}


def test_a_signature_holds_for_body_key_and_time() -> None:
    headers = sign(b"{}", KEY, NOW)
    place, digest = verify(headers, b"{}", [KEY], NOW)
    assert place == 0 and len(digest) == 64
    assert verify(headers, b"{}", [OLD, KEY], NOW + dt.timedelta(minutes=5)) == (1, digest)
    for body, keys, now in ((b"{ }", [KEY], NOW), (b"{}", [OLD], NOW), (b"{}", [], NOW), (b"{}", [KEY], NOW + dt.timedelta(minutes=6))):
        with pytest.raises(SignatureError):
            verify(headers, body, keys, now)
    later = {**headers, webhook.TIMESTAMP: str(int(headers[webhook.TIMESTAMP]) + 1)}
    with pytest.raises(SignatureError, match="no key"):
        verify(later, b"{}", [KEY], NOW)


def test_a_sender_may_sign_with_both_keys() -> None:
    headers = sign(b"{}", KEY, NOW)
    headers[webhook.SIGNATURE] += "," + sign(b"{}", OLD, NOW)[webhook.SIGNATURE]
    assert verify(headers, b"{}", [OLD], NOW) == (0, sign(b"{}", OLD, NOW)[webhook.SIGNATURE][3:])


@pytest.mark.parametrize("headers", [
    {}, {webhook.TIMESTAMP: "1"}, {webhook.TIMESTAMP: "x", webhook.SIGNATURE: "v1=00"}, {webhook.TIMESTAMP: "1", webhook.SIGNATURE: "00"},
    {webhook.TIMESTAMP: "1" * 40, webhook.SIGNATURE: "v1=00"}, {webhook.TIMESTAMP: "１", webhook.SIGNATURE: "v1=é"},
])  # fmt: skip
def test_half_a_signature_is_none(headers: dict[str, str]) -> None:
    with pytest.raises(SignatureError):
        verify(headers, b"", [KEY], NOW)


def test_one_event_or_a_list() -> None:
    one = read(json.dumps(EVENT).encode(), now=NOW).events
    assert one == (CallEvent.parse(EVENT),)
    assert read(json.dumps([EVENT, {**EVENT, "kind": "ended"}]).encode(), now=NOW).events[1].kind == "ended"
    assert read(b"[]", now=NOW).events == ()


@pytest.mark.parametrize(("change", "says"), [
    ({"kind": "sung"}, "kind: "),
    ({"at": "2026-11-25T10:00:00"}, "at: the time has no zone"),
    ({"at": "0001-01-01T00:00:00+23:00"}, "at: "),
    ({"at": "2026-11-27T10:00:00+09:00"}, "at: .*not between 2000 and tomorrow"),
    ({"call": "a\u0000b"}, "call: holds a control character"),
    ({"agent": "\ud800"}, "agent: holds a control character"),
    ({"call": "x" * 121}, "call: at most 120"),
    ({"provider": "exchange"}, "provider: 'exchange' is our own exchange"),
    ({"agent": "user:²"}, "agent: "),
    ({"data": {"why": {"deep": 1}}}, "data.why: "),
    ({"data": {"wait": float("inf")}}, "data.wait: "),
    ({"data": {"state": "asleep"}}, "data.state: 'asleep' is none of open"),
    ({"data": {"withheld": "no"}}, "data.withheld: stands beside data"),
    ({"data": dict.fromkeys(map(str, range(21)), 1)}, "data: more than 20"),
    ({"colour": "red"}, "colour: unknown key"),
])  # fmt: skip
def test_what_is_wrong_is_named(change: dict[str, Any], says: str) -> None:
    with pytest.raises(EventError, match=says):
        read(json.dumps({**EVENT, **change}).encode(), now=NOW)
    with pytest.raises(EventError, match=f"^1.{says}"):
        read(json.dumps([EVENT, {**EVENT, **change}]).encode(), now=NOW)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"1", b"[1]", b"null", b'"x"'])
def test_what_is_no_event_is_said_so(body: bytes) -> None:
    with pytest.raises(EventError, match="body"):
        read(body, now=NOW)


def test_not_too_many_at_once() -> None:
    with pytest.raises(EventError, match="more than 500"):
        read(json.dumps([EVENT] * 501).encode(), now=NOW)


def test_cti_in_zammads_words() -> None:
    (offered, queued) = read_cti({**CTI, "queue": "main"}, now=NOW).events
    assert (offered.kind, offered.provider, offered.call, offered.caller, offered.dialled) == ("offered", "cti", "7", "+819011112222", "+81120000000")
    assert (queued.kind, queued.queue, queued.at) == ("queued", "main", NOW)
    (answered,) = read_cti({**CTI, "event": "answer", "user[]": ["Emma", "Max"]}, now=NOW).events
    assert (answered.kind, answered.agent) == ("answered", "Emma")
    kinds = {cause: [(e.kind, e.data.get("by"), e.data.get("why")) for e in read_cti({**CTI, "event": "hangup", "cause": cause}, now=NOW).events]
             for cause in ("normalClearing", "cancel", "busy")}  # fmt: skip
    assert kinds == {"normalClearing": [("ended", None, None)], "cancel": [("abandoned", None, None), ("ended", "caller", None)],
                     "busy": [("ended", "system", "busy")]}  # fmt: skip


def test_cti_passes_over_what_is_none_of_ours() -> None:
    assert read_cti({**CTI, "direction": "out"}, now=NOW).ignored == ("out: newCall",)
    assert read_cti({**CTI, "event": "dtmf"}, now=NOW).ignored == ("dtmf",)
    (back,) = read_cti({**CTI, "direction": "out", "callback": "12"}, now=NOW).events
    assert (back.caller, back.data["callback"]) == ("+81120000000", "12")


def test_cti_takes_a_time_where_the_sender_has_one() -> None:
    (event,) = read_cti({**CTI, "at": "2026-11-25T10:00:00+09:00"}, now=NOW).events
    assert event.at == dt.datetime(2026, 11, 25, 1, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(("change", "says"), [
    ({"event": ""}, "event: "), ({"callId": ""}, "callId: "), ({"direction": "up"}, "direction: "), ({"from": {"a": 1}}, "from: "),
    ({"at": "yesterday"}, "at: "), ({"at": "2026-11-25T10:00:00"}, "at: "), ({"callId": 10**5000}, "callId: "), ({"state": "asleep"}, "data.state: "),
])  # fmt: skip
def test_cti_says_what_is_wrong(change: dict[str, Any], says: str) -> None:
    with pytest.raises(EventError, match=says):
        read_cti({**CTI, **change}, now=NOW)


def test_cti_keeps_long_names_apart() -> None:
    one, other = (read_cti({**CTI, "callId": "x" * 200 + end}, now=NOW).events[0].call for end in "ab")
    assert one != other and len(one) == len(other) == 120 and short(one, "call") == one


@pytest.mark.parametrize(("given", "number", "withheld"), [
    ("090-1111-2222", "+819011112222", False), ("0829(30)1234", "+81829301234", False), ("819011112222", "+819011112222", False),
    ("+81 90 1111 2222", "+819011112222", False), ("010 1 202 555 0100", "+12025550100", False), ("0120000000", "+81120000000", False),
    ("anonymous", "", True), ("<unknown>", "", True), ("", "", False), ("117", "117", False), ("sip:x@y", "sip:x@y", False),
])  # fmt: skip
def test_numbers_are_brought_to_one_form(given: str, number: str, withheld: bool) -> None:
    assert phone(given) == (number, withheld)


def test_only_named_sources_may_send() -> None:
    sources = ["203.0.113.0/24", "2001:db8::1"]
    assert is_from("203.0.113.9", sources) and is_from("::ffff:203.0.113.9", sources) and is_from("2001:db8::1", sources)
    assert not is_from("203.0.114.9", sources) and not is_from("", sources) and not is_from("203.0.113.9", []) and not is_from("203.0.113.9", ["x"])


OWN_KEYS = st.sampled_from([*EVENT, "withheld", "agent", "queue", "data", "x"])
CTI_KEYS = st.sampled_from([*CTI, "user", "user[]", "queue", "cause", "at", "state", "number", "why", "callback"])


@given(st.dictionaries(OWN_KEYS, json_values | st.sampled_from(list(EVENT.values()))))
def test_any_json_gives_events_or_a_reason(values: dict[str, Any]) -> None:
    try:
        for event in read(json.dumps(values).encode(), now=NOW).events:
            event.line().encode()
    except EventError as error:
        assert ": " in str(error)


@given(st.dictionaries(CTI_KEYS, json_values | st.sampled_from([*CTI.values(), "answer", "hangup", "cancel"])))
def test_any_cti_request_gives_events_or_a_reason(values: dict[str, Any]) -> None:
    try:
        for event in read_cti({**CTI, **values}, now=NOW).events:
            event.line().encode()
    except EventError as error:
        assert ": " in str(error)
