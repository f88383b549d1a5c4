"""The doors for telephone systems: who is let in, what is put on record, and that nothing counts twice or answers with an error page."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from madoguchi.domain.calls.models import Call, CallEvent
from madoguchi.ground.accounts.keys import forget_known_keys, make_key, revoke_key
from madoguchi.ground.accounts.models import ApiKey
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.ground.privacy.sealing import keyring
from madoguchi.voice.adapters import webhook
from madoguchi.web.api import calls
from tests.voice.adapters import recorded

pytestmark = [pytest.mark.django_db, pytest.mark.req("CALL-08")]
NOW = recorded.NOW
OURS = "/hooks/calls/hatsukaichi/"


class Sender:
    """A telephone system that posts. It has a key of each kind, and comes from 203.0.113.7 unless said otherwise."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.sign, self.cti, self.connect = (
            make_key(contract, name="電話", scopes=[f"calls:{kind}"], per_minute=0, sources=sources, by=SYSTEM, now=NOW)
            for kind, sources in (("sign", ()), ("cti", ("203.0.113.0/24",)), ("connect", ()))
        )

    def post(self, path: str, body: Any, *, media: str = "application/json", address: str = "203.0.113.7", **headers: str) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        client = Client(enforce_csrf_checks=True, raise_request_exception=False, REMOTE_ADDR=address)
        return client.post(path, raw, content_type=media, headers=headers)

    def signed(self, body: Any, *, secret: str = "", at: dt.datetime = NOW, path: str = OURS) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.post(path, raw, **webhook.sign(raw, (secret or self.sign).encode(), at))

    def told(self, fields: Any, **more: Any) -> Any:
        return self.post(f"{OURS}cti/{self.cti}/", fields, **more)

    def amazon(self, body: Any) -> Any:
        return self.post(f"{OURS}connect/", body, **{"X-Api-Key": self.connect})

    def calls(self) -> dict[str, str]:
        with contract_scope(self.contract):
            return dict(Call.objects.values_list("ref", "outcome"))


@pytest.fixture
def sender(contracts: dict[str, Contract], monkeypatch: pytest.MonkeyPatch) -> Iterator[Sender]:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    forget_known_keys()
    yield Sender(contracts["hatsukaichi"])
    forget_known_keys()


OFFERED = {"provider": "pbx", "call": "1", "kind": "offered", "at": "2026-11-25T10:00:00+09:00", "caller": "+819011112222"}
NEW = {"event": "newCall", "from": "09011112222", "to": "0120000000", "direction": "in", "callId": "7"}
OUTCOMES = ["abandoned", "answered", "callback", "closed", "overflowed"]


def test_the_five_calls_come_through_each_door(sender: Sender) -> None:
    for line in recorded.lines("webhook.jsonl"):
        assert sender.signed(line.encode()).status_code == 200
    assert sorted(sender.calls().values()) == OUTCOMES
    for line in recorded.lines("cti.jsonl"):
        sent = json.loads(line)
        fields = {"at": sent["arrived"], **(sent.get("json") or sent["form"])}
        answer = sender.told(fields)
        assert (answer.status_code, answer.json()) == (200, {})
    for line in recorded.lines("connect.jsonl"):
        assert sender.amazon(json.loads(line)).status_code == 200
    with contract_scope(sender.contract):
        rows = Call.objects.filter(direction="in").values_list("provider", "outcome")
        assert sorted(rows) == sorted((provider, outcome) for provider in ("pbx", "cti", "connect") for outcome in OUTCOMES)


def test_an_answer_tells_what_was_new(sender: Sender) -> None:
    assert sender.signed([OFFERED, OFFERED]).json() == {"new": 1, "known": 0, "ignored": []}
    assert sender.signed([OFFERED, {**OFFERED, "kind": "queued"}]).json() == {"new": 1, "known": 1, "ignored": []}


def test_the_same_request_again_is_answered_and_changes_nothing(sender: Sender) -> None:
    first, again = sender.signed(OFFERED), sender.signed(OFFERED)
    assert (first.status_code, again.status_code, again.json()["replayed"]) == (200, 200, True)
    with contract_scope(sender.contract):
        assert CallEvent.objects.count() == 1


def test_numbers_are_sealed_and_no_key_is_in_the_clear(sender: Sender) -> None:
    sender.signed(OFFERED)
    with contract_scope(sender.contract):
        call, row = Call.objects.get(), ApiKey.objects.exclude(signing=None).get()
        assert b"9011112222" not in bytes(call.number or b"")
        assert sender.sign.encode() not in bytes(row.signing or b"")
        assert keyring(sender.contract).unseal("accounts.signing", row.signing or b"").decode() == sender.sign
        revoke_key(sender.contract, row.pk, by=SYSTEM, now=NOW)
        row.refresh_from_db()
        assert row.signing is None
    forget_known_keys()
    assert sender.signed({**OFFERED, "call": "2"}).status_code == 401


def test_two_keys_hold_while_a_sender_is_changed_over(sender: Sender) -> None:
    new = make_key(sender.contract, name="新しい鍵", scopes=["calls:sign"], by=SYSTEM, now=NOW)
    forget_known_keys()
    assert sender.signed(OFFERED).status_code == sender.signed(OFFERED, secret=new).status_code == 200


def test_who_is_not_let_in(sender: Sender, contracts: dict[str, Contract]) -> None:
    old = NOW - dt.timedelta(minutes=6)
    assert sender.signed(OFFERED, at=old).status_code == 401
    assert sender.signed(OFFERED, secret="wrong").status_code == 401
    assert sender.signed(OFFERED, secret=sender.connect).status_code == 401
    assert sender.signed(OFFERED, path="/hooks/calls/izumi/").status_code == 401
    assert sender.signed(OFFERED, path="/hooks/calls/nowhere/").status_code == 404
    assert sender.post(OURS, OFFERED).status_code == 401
    assert sender.post(f"{OURS}cti/guessed/", NEW).status_code == 401
    assert sender.post(f"{OURS}cti/{sender.connect}/", NEW).status_code == 403
    assert sender.told(NEW, address="198.51.100.1").status_code == 403
    assert sender.post(f"/hooks/calls/izumi/cti/{sender.cti}/", NEW).status_code == 401
    assert sender.post(f"{OURS}connect/", {}).status_code == 401
    assert sender.post(f"{OURS}connect/", {}, **{"X-Api-Key": sender.sign}).status_code == 403
    assert sender.calls() == {}


def test_a_key_in_an_address_needs_networks(sender: Sender) -> None:
    bare = make_key(sender.contract, name="電話", scopes=["calls:cti"], by=SYSTEM, now=NOW)
    assert sender.post(f"{OURS}cti/{bare}/", NEW).status_code == 403


def test_what_is_wrong_is_named(sender: Sender) -> None:
    answer = sender.signed([OFFERED, {**OFFERED, "kind": "sung"}])
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"].startswith("1.kind: 'sung'")
    assert sender.signed({**OFFERED, "contract": "izumi"}).json()["detail"] == "contract: this address is for hatsukaichi"
    assert sender.told({**NEW, "direction": "up"}).json()["detail"].startswith("direction: ")
    assert sender.amazon({"detail-type": "Amazon Connect Contact Event"}).json()["detail"].startswith("detail: ")
    assert sender.calls() == {}


def test_forms_as_zammad_documents_them(sender: Sender) -> None:
    client = Client(REMOTE_ADDR="203.0.113.7")
    path = f"{OURS}cti/{sender.cti}/"
    assert client.post(path, {**NEW, "user[]": ["Emma", "Max"]}).status_code == 200
    encoded = "event=answer&from=819011112222&to=0120000000&direction=in&callId=7&user%5B%5D=Emma&answeringNumber=42"
    assert sender.told(encoded.encode(), media="application/x-www-form-urlencoded").status_code == 200
    assert sender.calls() == {"7": "answered"}
    assert sender.told(b"event: newCall", media="text/plain").status_code == 415


def test_too_large_too_fast_and_the_wrong_method(sender: Sender) -> None:
    assert sender.signed(b" " * (calls.MOST_BYTES + 1)).status_code == 413
    answer = Client().get(OURS)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    slow = make_key(sender.contract, name="電話", scopes=["calls:connect"], per_minute=1, by=SYSTEM, now=NOW)
    odd = {"detail-type": "other"}
    assert sender.post(f"{OURS}connect/", odd, **{"X-Api-Key": slow}).json()["ignored"] == ["detail-type other"]
    refused = sender.post(f"{OURS}connect/", odd, **{"X-Api-Key": slow})
    assert refused.status_code == 429 and int(refused["Retry-After"]) > 0


def test_an_individual_number_typed_at_the_telephone_is_refused(sender: Sender) -> None:
    answer = sender.signed({**OFFERED, "kind": "menu", "data": {"key": "1", "digits": "123456789018"}})
    assert answer.status_code == 422
    assert sender.calls() == {}


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_body_gives_an_error_page(sender: Sender, data: st.DataObject) -> None:
    value = recorded.json_values | st.sampled_from(["offered", "queued", "ended", "in", "out", OFFERED["at"], "user:1", "01"])
    fields = data.draw(st.dictionaries(st.sampled_from([*OFFERED, *NEW, "data", "agent", "user", "state", "why", "number"]), value))
    kind = data.draw(st.sampled_from(["own", "cti", "amazon", "raw"]))
    if kind == "own":
        answer = sender.signed({**OFFERED, **{k: v for k, v in fields.items() if k not in NEW}})
    elif kind == "cti":
        answer = sender.told({**NEW, **fields})
    elif kind == "amazon":
        envelope = json.loads(data.draw(st.sampled_from(recorded.lines("connect.jsonl"))))
        envelope["detail"] |= dict(zip(data.draw(st.lists(st.sampled_from(sorted(envelope["detail"])), max_size=3)), fields.values(), strict=False))
        answer = sender.amazon(envelope)
    else:
        media = data.draw(st.sampled_from(["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"]))
        answer = sender.told(data.draw(st.binary(max_size=80)), media=media)
    assert answer.status_code < 500
